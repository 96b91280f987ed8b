//! Endpoints that have just let an event time out.
//!
//! Without this, each further event for such an endpoint would hold up the next of its instance
//! for a whole time-out, and with it the states that events write on the row. The global endpoint
//! stalls for all instances at once.
//!
//! An endpoint that answers, but never in the short time that it has while others wait, would
//! take every event twice: once when it is cut short, and once more from the retry queue. So it
//! stays here for as long as its answers are slow.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::sink::Endpoint;

/// Remembers time-outs for a while.
pub(super) struct Stalled {
    pause: Duration,
    /// An answer that takes longer is slow.
    patience: Duration,
    until: Mutex<HashMap<Endpoint, Instant>>,
}

impl Stalled {
    pub(super) fn new(pause: Duration, patience: Duration) -> Self {
        Self {
            pause,
            patience,
            until: Mutex::default(),
        }
    }

    /// It has not answered.
    pub(super) fn note(&self, endpoint: Endpoint) {
        let now = Instant::now();
        let mut until = self.until();
        until.retain(|_, end| *end > now);
        until.insert(endpoint, now + self.pause);
    }

    /// It has answered after `took`.
    pub(super) fn answered(&self, endpoint: Endpoint, took: Duration) {
        if took <= self.patience {
            self.until().remove(&endpoint);
        } else if self.contains(endpoint) {
            self.note(endpoint);
        }
    }

    /// Whether to leave it alone.
    pub(super) fn contains(&self, endpoint: Endpoint) -> bool {
        self.until()
            .get(&endpoint)
            .is_some_and(|end| *end > Instant::now())
    }

    fn until(&self) -> MutexGuard<'_, HashMap<Endpoint, Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use pombal_domain::InstanceId;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_stays_slow_stays() {
        let secs = Duration::from_secs;
        let stalled = Stalled::new(secs(30), secs(5));
        let instance = Endpoint::Instance(InstanceId::random());
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

    #[tokio::test(start_paused = true)]
    async fn endpoints_stall_by_themselves() {
        let stalled = Stalled::new(Duration::from_secs(30), Duration::from_secs(5));
        let instance = Endpoint::Instance(InstanceId::random());
        let other = Endpoint::Instance(InstanceId::random());
        stalled.note(instance);
        stalled.note(Endpoint::Global);
        assert!(stalled.contains(instance) && stalled.contains(Endpoint::Global));
        assert!(!stalled.contains(other));
        stalled.answered(instance, Duration::ZERO);
        assert!(!stalled.contains(instance) && stalled.contains(Endpoint::Global));
    }
}
