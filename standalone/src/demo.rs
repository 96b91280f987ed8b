//! The demo: a fake WhatsApp server in the same process.

use std::collections::HashSet;
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use fake_whatsapp::{FakeWhatsApp, Options};
use pombal_domain::time::UnixMs;
use pombal_domain::{Chain, InstanceName};
use pombal_store::egress::Reach;
use pombal_store::{Registry, registry};
use tokio_util::sync::CancellationToken;

use crate::data_dir::DataDir;
use crate::serve::Settings;

/// How often the registry is asked for new QR codes.
const ANNOUNCE_INTERVAL: Duration = Duration::from_millis(500);
/// How many instances are read at once.
const PAGE: usize = 100;

/// Starts the fake server if it was asked for, and points the settings at it. Its state is
/// kept in the data directory, so that paired devices outlive the process as they would on
/// WhatsApp's side.
pub(crate) async fn start(
    mut settings: Settings,
    data: &DataDir,
) -> Result<(Settings, Option<FakeWhatsApp>), Box<dyn Error>> {
    if !settings.args.fake_whatsapp {
        return Ok((settings, None));
    }
    let fake = FakeWhatsApp::start(Options {
        ws: SocketAddr::from(([127, 0, 0, 1], 0)),
        control: settings.args.fake_whatsapp_page,
        state_dir: Some(data.join("fake-whatsapp")),
        ..Options::default()
    })
    .await?;
    settings.args.whatsapp_url = Some(fake.ws_url());
    // The port may have been left to the system.
    settings.args.fake_whatsapp_page = fake.control_addr();
    // Receivers of a demo run on the same machine.
    settings.webhook.allow_private = true;
    settings.proxies.reach = Reach::PublicAndPrivate;
    Ok((settings, Some(fake)))
}

/// Tells the fake server which QR codes wait, so that its page can draw them. Until stopped.
pub(crate) async fn announce(fake: FakeWhatsApp, registry: Registry, stop: CancellationToken) {
    let work = async {
        let mut announced = HashSet::new();
        loop {
            match waiting(&registry).await {
                Ok(codes) => {
                    for (code, name) in codes.difference(&announced) {
                        // A code whose socket is gone already is no trouble: a new one comes.
                        if let Err(error) = fake.announce(code, Some(name.as_str())).await {
                            tracing::debug!(%error, "QR code not announced");
                        }
                    }
                    announced = codes;
                }
                Err(error) => tracing::warn!(error = %Chain(&error), "QR codes not read"),
            }
            tokio::time::sleep(ANNOUNCE_INTERVAL).await;
        }
    };
    stop.run_until_cancelled(work).await;
}

/// QR codes that can be scanned now, and whose they are.
async fn waiting(registry: &Registry) -> Result<HashSet<(String, InstanceName)>, registry::Error> {
    let now = UnixMs::now();
    let mut codes = HashSet::new();
    let mut after = None;
    loop {
        let page = registry.list_instances(after.as_ref(), PAGE).await?;
        after = page.last().map(|instance| instance.name.clone());
        let end = page.len() < PAGE;
        for instance in page {
            if let Some(qr) = instance.observed.qr
                && qr.expires_at > now
                && let Some(code) = qr.code
            {
                codes.insert((code, instance.name));
            }
        }
        if end {
            return Ok(codes);
        }
    }
}
