//! For how long a flush waits for the storage.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The flush that is on its way. A cheap clone.
#[derive(Clone, Default)]
pub(crate) struct Pending(Arc<Mutex<Option<Instant>>>);

impl Pending {
    pub(crate) fn begins(&self) {
        *self.since() = Some(Instant::now());
    }

    pub(crate) fn ends(&self) {
        *self.since() = None;
    }

    /// None: there is none.
    pub(crate) fn lasts(&self) -> Option<Duration> {
        self.since().map(|since| since.elapsed())
    }

    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
