//! Instances whose endpoint has just let an event time out.
//!
//! Without this, each further event of such an instance would hold up the next for a whole
//! time-out, and with it the states that events write on the row.
//!
//! An endpoint that answers, but never in the short time that it has while others wait, would
//! take every event twice: once when it is cut short, and once more from the retry queue. So it
//! stays here for as long as its answers are slow.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pombal_domain::InstanceId;
use tokio::time::Instant;

/// Remembers time-outs for a while.
pub(super) struct Stalled {
    pause: Duration,
    /// An answer that takes longer is slow.
    patience: Duration,
    until: Mutex<HashMap<InstanceId, Instant>>,
}

impl Stalled {
    pub(super) fn new(pause: Duration, patience: Duration) -> Self {
        Self {
            pause,
            patience,
            until: Mutex::default(),
        }
    }

    /// The endpoint of `instance` has not answered.
    pub(super) fn note(&self, instance: InstanceId) {
        let now = Instant::now();
        let mut until = self.until();
        until.retain(|_, end| *end > now);
        until.insert(instance, now + self.pause);
    }

    /// The endpoint of `instance` has answered after `took`.
    pub(super) fn answered(&self, instance: InstanceId, took: Duration) {
        if took <= self.patience {
            self.until().remove(&instance);
        } else if self.contains(instance) {
            self.note(instance);
        }
    }

    /// Whether to leave the endpoint of `instance` alone.
    pub(super) fn contains(&self, instance: InstanceId) -> bool {
        self.until()
            .get(&instance)
            .is_some_and(|end| *end > Instant::now())
    }

    fn until(&self) -> MutexGuard<'_, HashMap<InstanceId, Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_stays_slow_stays() {
        let secs = Duration::from_secs;
        let (stalled, instance) = (Stalled::new(secs(30), secs(5)), InstanceId::random());
        stalled.answered(instance, secs(20));
        assert!(!stalled.contains(instance), "slow, but nobody waited");

        stalled.note(instance);
        tokio::time::advance(secs(29)).await;
        stalled.answered(instance, secs(6));
        tokio::time::advance(secs(29)).await;
        assert!(stalled.contains(instance));
        tokio::time::advance(secs(1)).await;
        assert!(!stalled.contains(instance));

        stalled.note(instance);
        stalled.answered(instance, secs(5));
        assert!(!stalled.contains(instance));
    }
}
