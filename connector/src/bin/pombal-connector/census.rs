//! Tells once in a while how many instances there are.

use std::time::Duration;

use pombal_connector::Status;
use tokio::time::interval;

/// The finest that metrics of logs are kept in.
const EVERY: Duration = Duration::from_secs(60);

/// Writes a line a minute, for ever. `infra/connector.yaml` makes a metric of it, which wants
/// names without dots.
pub(crate) async fn tell(status: Status) {
    let mut minute = interval(EVERY);
    loop {
        minute.tick().await;
        let report = status.report();
        tracing::info!(
            shards_owned = report.shards,
            takeovers = report.takeovers,
            fencing_errors = report.losses,
            instances_owned = report.instances,
            instances_open = report.open,
            "census"
        );
    }
}
