//! The time that messages are hidden by.

use std::time::{Duration, Instant};

use pombal_domain::time::UnixMs;

/// The system's clock, in milliseconds since the Unix epoch, except that it never goes
/// backwards: when the system's clock does, this one goes on at its own pace.
pub(super) struct Clock {
    start: Instant,
    start_ms: i64,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            start: Instant::now(),
            start_ms: wall(),
        }
    }

    pub(super) fn now(&self) -> i64 {
        self.start_ms.saturating_add(millis(self.start.elapsed()))
    }

    /// Follows the system's clock ahead, say after the machine has slept.
    pub(super) fn catch_up(&mut self) -> i64 {
        let now = self.now();
        let wall = wall();
        if wall > now {
            *self = Self {
                start: Instant::now(),
                start_ms: wall,
            };
        }
        now.max(wall)
    }
}

fn wall() -> i64 {
    i64::try_from(UnixMs::now().0).unwrap_or(i64::MAX)
}

/// Whole milliseconds.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
