//! Instances whose endpoint has just let an event time out.
//!
//! Without this, each further event of such an instance would hold up the next for a whole
//! time-out, and with it the states that events write on the row.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pombal_domain::InstanceId;
use tokio::time::Instant;

/// Remembers time-outs for a while.
pub(super) struct Stalled {
    pause: Duration,
    until: Mutex<HashMap<InstanceId, Instant>>,
}

impl Stalled {
    pub(super) fn new(pause: Duration) -> Self {
        Self {
            pause,
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

    /// The endpoint of `instance` has answered.
    pub(super) fn clear(&self, instance: InstanceId) {
        self.until().remove(&instance);
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
