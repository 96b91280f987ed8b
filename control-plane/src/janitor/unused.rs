//! Instances that nobody uses are deleted, if the operator wants that (`DEL_INSTANCE`).

use std::time::Duration;

use pombal_domain::time::UnixMs;
use pombal_domain::{Instance, InstanceName};
use pombal_store::{Registry, registry};
use tokio::time::Instant as Moment;

use crate::api::{EventsQueue, lifecycle};

/// Instances that are read at once.
const PAGE: usize = 500;

/// Which instances go, and who is told.
pub struct Unused {
    /// How long one has to be closed, without an account, and without anybody asking for
    /// anything.
    pub after: Duration,
    /// Where deletions are told.
    pub events: EventsQueue,
}

impl Unused {
    /// Deletes those that are due now; how many. It reads every row once, from the index: one that
    /// has changed since is left to the next time. Begins nothing after `end`.
    ///
    /// As with the API's deletion, what is killed right behind the transaction tells nobody. Two
    /// that tell of one deletion use the same ids.
    pub(super) async fn delete(
        &self,
        registry: &Registry,
        end: Moment,
    ) -> Result<usize, registry::Error> {
        let now = UnixMs::now();
        let (mut count, mut after) = (0, None::<InstanceName>);
        loop {
            let page = registry.list_instances(after.as_ref(), PAGE).await?;
            for row in page.iter().filter(|row| self.is_due(row, now)) {
                if Moment::now() >= end {
                    return Ok(count);
                }
                if registry.delete_untouched(row).await? {
                    lifecycle::tell_deleted(Some(&self.events), row).await;
                    tracing::info!(instance.id = %row.id, "instance deleted that nobody used");
                    count += 1;
                }
            }
            if page.len() < PAGE || Moment::now() >= end {
                return Ok(count);
            }
            after = page.into_iter().next_back().map(|row| row.name);
        }
    }

    fn is_due(&self, row: &Instance, now: UnixMs) -> bool {
        row.unused_since()
            .is_some_and(|since| since.plus(self.after) <= now)
    }
}
