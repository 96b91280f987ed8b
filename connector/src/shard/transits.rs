//! Who may start an instance, hand it over, take it in or wipe it: one task at a time.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pombal_domain::InstanceId;
use tokio::sync::watch;
use tokio::time::Instant;

/// Pause after the first attempt to hand an instance over that cost it its connection.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// The instances of a shard that somebody is busy with. Nobody starts them meanwhile.
#[derive(Default)]
pub(super) struct Transits {
    busy: watch::Sender<HashSet<InstanceId>>,
    failures: Mutex<HashMap<InstanceId, Failures>>,
}

/// Attempts to hand an instance over that failed after it was stopped.
struct Failures {
    count: u32,
    not_before: Instant,
}

/// An instance is its holder's alone until this is dropped.
pub(super) struct Slot {
    busy: watch::Sender<HashSet<InstanceId>>,
    id: InstanceId,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.busy.send_modify(|busy| {
            busy.remove(&self.id);
        });
    }
}

impl Transits {
    /// A place of its own for an instance; `None` while somebody else has it.
    pub(super) fn try_enter(&self, id: InstanceId) -> Option<Slot> {
        let entered = self.busy.send_if_modified(|busy| busy.insert(id));
        entered.then(|| Slot {
            busy: self.busy.clone(),
            id,
        })
    }

    /// The same, as soon as nobody else has it.
    pub(super) async fn enter(&self, id: InstanceId) -> Slot {
        loop {
            if let Some(slot) = self.try_enter(id) {
                return slot;
            }
            self.until_free(id).await;
        }
    }

    /// Whether somebody has it.
    pub(super) fn is_busy(&self, id: InstanceId) -> bool {
        self.busy.borrow().contains(&id)
    }

    /// Resolves when nobody has it.
    pub(super) async fn until_free(&self, id: InstanceId) {
        let mut busy = self.busy.subscribe();
        // The sender lives as long as this.
        let _ = busy.wait_for(|busy| !busy.contains(&id)).await;
    }

    /// Whether it is time to try again to hand an instance over.
    pub(super) fn may_try(&self, id: InstanceId) -> bool {
        let now = Instant::now();
        let failures = self.failures();
        failures
            .get(&id)
            .is_none_or(|failed| failed.not_before <= now)
    }

    /// An attempt failed after the instance was stopped for it: the next one waits longer.
    pub(super) fn failed(&self, id: InstanceId) {
        let mut failures = self.failures();
        let count = failures.get(&id).map_or(0, |failed| failed.count);
        let pause = FIRST_PAUSE.saturating_mul(1 << count.min(6));
        let failed = Failures {
            count: count + 1,
            not_before: Instant::now() + pause.min(LONGEST_PAUSE),
        };
        failures.insert(id, failed);
    }

    /// An instance is gone, and with it what has failed before.
    pub(super) fn succeeded(&self, id: InstanceId) {
        self.failures().remove(&id);
    }

    fn failures(&self) -> MutexGuard<'_, HashMap<InstanceId, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_instance_is_one_holders_alone() {
        let transits = Transits::default();
        let (id, other) = (InstanceId::random(), InstanceId::random());
        let slot = transits.try_enter(id).unwrap();
        assert!(transits.is_busy(id) && transits.try_enter(id).is_none());
        let _other = transits.enter(other).await;
        let next = transits.enter(id);
        tokio::pin!(next);
        let waits = tokio::time::timeout(Duration::from_millis(20), &mut next).await;
        assert!(waits.is_err());
        drop(slot);
        let slot = next.await;
        assert!(transits.is_busy(id));
        drop(slot);
        transits.until_free(id).await;
        assert!(!transits.is_busy(id));
    }

    #[tokio::test(start_paused = true)]
    async fn who_failed_waits_longer_each_time() {
        let transits = Transits::default();
        let id = InstanceId::random();
        for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert!(transits.may_try(id));
            transits.failed(id);
            let pause = Duration::from_secs(60 * minutes);
            tokio::time::advance(pause - Duration::from_secs(1)).await;
            assert!(!transits.may_try(id));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        transits.failed(id);
        transits.succeeded(id);
        assert!(transits.may_try(id));
    }
}
