//! Shows on an instance's row that its stored session is damaged.
//!
//! Usually the supervisor tells it as an event. When the journal itself can't be used, nothing
//! gives an event its number, so the row is written directly.

use pombal_domain::instance::Disconnection;
use pombal_domain::time::UnixMs;
use pombal_domain::{Cause, Chain, ConnectionState, Instance, ShardId};
use pombal_store::Registry;

/// Makes every instance of the shard show as closed, for [`Cause::BadSession`].
pub(crate) async fn show_all(registry: &Registry, shard: ShardId) {
    match registry.shard_content(shard).await {
        Ok(content) => {
            for row in content.instances {
                show(registry, &row).await;
            }
        }
        Err(error) => {
            tracing::warn!(%shard, error = %Chain(&error), "instances of a damaged shard not shown");
        }
    }
}

/// Makes the instance show as closed, for [`Cause::BadSession`]. It keeps everything else.
pub(crate) async fn show(registry: &Registry, row: &Instance) {
    let outcome = Cause::BadSession.outcome();
    let mut observed = row.observed.clone();
    let shown = observed.state == ConnectionState::Close
        && observed.reason == outcome.reason
        && observed.generation == row.generation;
    if shown {
        return;
    }
    observed.state = outcome.state;
    observed.reason = outcome.reason;
    observed.generation = row.generation;
    observed.qr = None;
    observed.disconnection = Some(Disconnection {
        reason: outcome.reason,
        text: outcome.text.to_owned(),
        at: UnixMs::now(),
    });
    if let Err(error) = registry.show(&row.name, row.id, &observed).await {
        tracing::warn!(instance.id = %row.id, error = %Chain(&error), "damage not shown");
    }
}
