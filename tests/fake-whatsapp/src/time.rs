//! The wall clock, and the clock that clients are shown.

use std::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};

thread_local! {
    /// How far the server's clock is ahead, while this thread works on the world.
    static SKEW_SECS: Cell<i64> = const { Cell::new(0) };
}

/// Runs `work` with a clock that is `secs` ahead, for what clients are told.
pub(crate) fn skewed<R>(secs: i64, work: impl FnOnce() -> R) -> R {
    let before = SKEW_SECS.replace(secs);
    let result = work();
    SKEW_SECS.set(before);
    result
}

/// Seconds since 1970 by the clock that clients are shown.
pub(crate) fn now_secs() -> u64 {
    (now_ms() / 1000).saturating_add_signed(SKEW_SECS.get())
}

/// Milliseconds since 1970 by the real clock, for the logs of tests.
pub(crate) fn now_ms() -> u64 {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skew_ends_with_its_work() {
        let real = now_secs();
        let ahead = skewed(3600, now_secs);
        assert!((3600..3610).contains(&(ahead - real)));
        assert!(skewed(-7200, now_secs) < real);
        assert!(now_secs() - real < 10);
    }
}
