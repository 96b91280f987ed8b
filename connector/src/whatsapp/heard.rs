//! When a client last heard something from WhatsApp that it could read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// A time that moves forward only. Bytes alone don't move it: a stream that no longer decrypts
/// keeps the client's own watchdog quiet (`whatsapp-rust/src/keepalive.rs`), for it looks at
/// arrivals, and it would stay up for ever.
pub(crate) struct Heard {
    start: Instant,
    millis: AtomicU64,
}

impl Heard {
    /// Starts with now.
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            millis: AtomicU64::new(0),
        }
    }

    /// Something readable has come, or a new connection is begun.
    pub(crate) fn note(&self) {
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.millis.fetch_max(millis, Ordering::Relaxed);
    }

    /// When that was.
    pub(crate) fn last(&self) -> Instant {
        self.start + Duration::from_millis(self.millis.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_the_time_of_the_last_note() {
        let heard = Heard::new();
        let start = heard.last();
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(heard.last(), start);
        heard.note();
        assert_eq!(heard.last(), start + Duration::from_secs(9));
    }
}
