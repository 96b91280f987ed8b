//! Runs the connector, and takes it down in order.

use std::error::Error;
use std::io;
use std::time::Duration;

use pombal_connector::{Connector, Seams, Status};
use pombal_store::aws::Deployment;
use pombal_store::env::BadVariable;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::cli::ServeArgs;
use crate::{census, health, settings};

/// Longest wait for everything to end. Fargate gives 120 s at most from SIGTERM to SIGKILL
/// (<https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>).
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(100);

/// Serves until SIGTERM or SIGINT, or until a shard is lost to another connector.
pub(crate) async fn run(args: ServeArgs) -> Result<(), Box<dyn Error>> {
    // First: the first process of a container gets no signal that it does not listen for.
    let mut signals = Signals::listen()?;
    let options = settings::connector_options(&args)?;
    let deployment = Deployment::from_env().await?;
    let seams = Seams::on_aws(&deployment).await?;
    let connector = Connector::new(options, seams)?;
    let listener = TcpListener::bind(args.health_listen)
        .await
        .map_err(|error| BadVariable::new("POMBAL_HEALTH_LISTEN", error.to_string()))?;
    tracing::info!(health.address = %listener.local_addr()?, "serving");
    let health = serve_health(listener, connector.status());
    let census = tokio::spawn(census::tell(connector.status()));

    let stop = CancellationToken::new();
    let mut running = tokio::spawn(connector.run(stop.child_token()));
    let ended = tokio::select! {
        () = signals.any() => {
            tracing::info!("draining");
            stop.cancel();
            // Health goes on answering meanwhile, and says so.
            timeout(SHUTDOWN_TIMEOUT, &mut running).await
        }
        ended = &mut running => Ok(ended),
    };
    health.abort();
    census.abort();
    match ended {
        Ok(ended) => ended??,
        Err(_) => tracing::warn!("not everything ended in time; what is left is durable"),
    }
    tracing::info!("stopped");
    Ok(())
}

fn serve_health(listener: TcpListener, status: Status) -> JoinHandle<()> {
    tokio::spawn(async move {
        // Never returns: errors of single connections are dealt with inside.
        let _ = axum::serve(listener, health::router(status)).await;
    })
}

/// SIGTERM and SIGINT.
struct Signals {
    term: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on none is lost, and none ends the process by itself.
    fn listen() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
