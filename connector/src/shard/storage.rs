//! Notices that the object store has fallen silent.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::sleep;

use crate::health::Concern;
use crate::shard::Shard;

/// A commit takes a fraction of a second. One that takes longer is a failure, as far as anybody
/// can tell: the database tries it again and again, and never says so.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Shard {
    /// Tells the connector's health while the storage leaves a commit unanswered.
    pub(super) async fn watch_storage(&self) -> Infallible {
        let concern = Concern::Sessions(self.context.shard);
        let mut silent = false;
        loop {
            sleep(LOOK_AGAIN).await;
            let pending = self.context.db.commit_pending_for();
            let is_silent = pending.is_some_and(|pending| pending >= PATIENCE);
            if is_silent != silent {
                silent = is_silent;
                if silent {
                    tracing::warn!(shard = %self.context.shard, "the object store is silent");
                    self.context.health.failed(concern);
                } else {
                    self.context.health.fine(concern);
                }
            }
        }
    }
}
