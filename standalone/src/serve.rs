//! Puts everything together in one process, and takes it down in order.

mod parts;

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use pombal_connector::config::{PairingConfig, ProxyConfig, SessionConfig};
use pombal_control_plane::business::BusinessConfig;
use pombal_control_plane::config::{self, CorsConfig, LimitsConfig, MetricsConfig, WebhookConfig};
use pombal_control_plane::delivery::Schedule;
use pombal_control_plane::{Janitor, ProxyCheck};
use pombal_store::env::BadVariable;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::api_key::ApiKey;
use crate::cli::ServeArgs;
use crate::data_dir::DataDir;
use crate::serve::parts::Parts;
use crate::{api_key, evolution, shutdown};

/// Longest wait for everything to end. All that matters is durable by then.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(8);
/// Local disks need no saving of requests.
const COMMIT_INTERVAL: Duration = Duration::from_millis(2);
/// How often the janitor comes.
const CLEAN_INTERVAL: Duration = Duration::from_secs(60);

/// Everything that the environment and the command line say.
pub(crate) struct Settings {
    pub(crate) args: ServeArgs,
    pub(crate) pairing: PairingConfig,
    pub(crate) webhook: WebhookConfig,
    pub(crate) cors: CorsConfig,
    /// Whether the API's description is served.
    pub(crate) docs: bool,
    /// Who may read the metrics; none when there are none.
    pub(crate) metrics: Option<MetricsConfig>,
    pub(crate) session: SessionConfig,
    pub(crate) proxies: ProxyConfig,
    pub(crate) business: BusinessConfig,
    /// `SERVER_URL`.
    pub(crate) server_url: Option<String>,
    /// `SEND_TTL_SECONDS`.
    pub(crate) send_ttl: Duration,
    pub(crate) limits: LimitsConfig,
    /// `DEL_INSTANCE`: after how long an instance is deleted that nobody uses.
    pub(crate) unused_after: Option<Duration>,
    /// When webhooks are repeated.
    pub(crate) schedule: Schedule,
}

impl Settings {
    /// How proxies are tried before they are stored.
    pub(crate) fn proxy_check(&self) -> Result<ProxyCheck, BadVariable> {
        Ok(ProxyCheck {
            // The demo reaches loopback without being told to.
            reach: self.proxies.reach,
            ..config::proxy_check(self.args.whatsapp_url.as_deref())?
        })
    }
}

/// Serves until SIGTERM or SIGINT, or until a part fails for good.
pub(crate) async fn run(args: ServeArgs) -> Result<(), Box<dyn Error>> {
    let settings = Settings {
        pairing: PairingConfig::from_env()?,
        webhook: WebhookConfig::from_env()?,
        cors: CorsConfig::from_env()?,
        docs: config::docs()?,
        metrics: MetricsConfig::from_env()?,
        session: SessionConfig::from_env(COMMIT_INTERVAL)?,
        proxies: ProxyConfig::from_env()?,
        business: BusinessConfig::from_env()?,
        server_url: config::server_url()?,
        send_ttl: config::send_ttl()?,
        limits: LimitsConfig::from_env()?,
        unused_after: config::delete_unused_after()?,
        schedule: evolution::retries()?,
        args,
    };
    evolution::check()?;
    let listen = evolution::listen(settings.args.listen)?;
    settings.business.warn();
    let data = DataDir::open(&settings.args.data_dir)?;
    let api_key = api_key::load_or_create(data.path())?;
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;

    #[cfg(feature = "demo")]
    let (settings, fake) = crate::demo::start(settings, &data).await?;

    let parts = Parts::build(&settings, &data, api_key.key.clone(), address).await?;
    greet(&settings, &api_key, &data, address);

    let stop = CancellationToken::new();
    #[cfg(feature = "demo")]
    if let Some(fake) = fake.clone() {
        tokio::spawn(crate::demo::announce(
            fake,
            parts.registry,
            stop.child_token(),
        ));
    }
    let mut connector = tokio::spawn(parts.connector.run(stop.child_token()));
    let delivery = tokio::spawn(parts.delivery.run(stop.child_token()));
    let cleaner = tokio::spawn(clean(parts.janitor));
    let http_stop = stop.clone();
    let service = parts
        .router
        .into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service)
        .with_graceful_shutdown(async move { http_stop.cancelled().await });
    let server = tokio::spawn(async move { server.await });

    let failure: Option<Box<dyn Error>> = tokio::select! {
        signal = shutdown::requested() => signal.err().map(Into::into),
        ended = &mut connector => match ended {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.into()),
            Err(error) => Some(error.into()),
        },
    };
    tracing::info!("draining");
    stop.cancel();
    cleaner.abort();
    let ended = async {
        if !connector.is_finished() {
            // Its outcome was logged where it arose.
            let _ = connector.await;
        }
        let _ = delivery.await;
        let _ = server.await;
    };
    if timeout(SHUTDOWN_TIMEOUT, ended).await.is_err() {
        tracing::warn!("not everything ended in time; what is left is durable");
    }
    #[cfg(feature = "demo")]
    if let Some(fake) = fake {
        fake.shutdown().await;
    }
    failure.map_or(Ok(()), Err)
}

/// Tells people where to look. Not a log: it goes to standard output. The address comes last,
/// so that who reads it knows the rest.
#[expect(clippy::print_stdout, reason = "for people at a terminal")]
fn greet(settings: &Settings, api_key: &ApiKey, data: &DataDir, address: SocketAddr) {
    let version = env!("CARGO_PKG_VERSION");
    if api_key.fresh {
        let file = api_key::file(data.path());
        println!("API key: {}", api_key.key.expose());
        println!("         (shown once; kept in {})", file.display());
    }
    #[cfg(feature = "demo")]
    if settings.args.fake_whatsapp {
        let page = settings.args.fake_whatsapp_page;
        println!("Fake WhatsApp: scan the QR codes on http://{page}");
    }
    match &settings.args.whatsapp_url {
        Some(url) => println!("WhatsApp is played by {url}"),
        None => println!("Dials WhatsApp itself"),
    }
    println!("Pombal {version} serves http://{address}");
}

/// Lets the janitor come again and again. What fails was logged, and is done the next time.
async fn clean(janitor: Janitor) {
    loop {
        janitor.run(Instant::now() + CLEAN_INTERVAL).await;
        sleep(CLEAN_INTERVAL).await;
    }
}
