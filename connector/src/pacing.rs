//! Spreads logins over time, so that a restart is not a storm.

use std::time::Duration;

use rand::RngExt;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Hands out login slots at a steady rate.
#[derive(Debug)]
pub(crate) struct Pacing {
    interval: Duration,
    next: Mutex<Instant>,
}

impl Pacing {
    /// At most `per_second` logins each second.
    pub(crate) fn new(per_second: u32) -> Self {
        Self {
            interval: Duration::from_secs(1) / per_second.max(1),
            next: Mutex::new(Instant::now()),
        }
    }

    /// Waits for the next slot. Dropping the future before it is ready gives the slot up.
    pub(crate) async fn slot(&self) {
        let slot = {
            let mut next = self.next.lock().await;
            let slot = (*next).max(Instant::now());
            *next = slot + self.interval;
            slot
        };
        if slot > Instant::now() {
            // Jitter within the slot: two connectors started together don't stay in step.
            let jitter = self.interval.mul_f64(rand::rng().random_range(0.0..1.0));
            tokio::time::sleep_until(slot + jitter).await;
        }
    }
}

/// Exponential backoff with full jitter: 1 s, doubling, up to 60 s (DESIGN § 7).
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_secs(1);
    const CAP: Duration = Duration::from_secs(60);
    /// A connection that was open for so long has proven itself.
    pub(crate) const STABLE: Duration = Duration::from_secs(60);

    /// The next pause. Never below 100 ms, so that a jitter of zero is no busy loop.
    pub(crate) fn next(&mut self) -> Duration {
        let ceiling = Self::FIRST
            .saturating_mul(1 << self.failures.min(6))
            .min(Self::CAP);
        self.failures = self.failures.saturating_add(1);
        let floor = Duration::from_millis(100);
        rand::rng().random_range(floor..=ceiling)
    }

    /// Starts from the first pause again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_to_its_cap_and_resets() {
        let mut backoff = Backoff::default();
        for failures in 0..50 {
            let ceiling = Backoff::FIRST
                .saturating_mul(1 << failures.min(6))
                .min(Backoff::CAP);
            let pause = backoff.next();
            assert!(
                pause >= Duration::from_millis(100) && pause <= ceiling,
                "{pause:?}"
            );
        }
        backoff.reset();
        assert!(backoff.next() <= Backoff::FIRST);
    }

    #[tokio::test(start_paused = true)]
    async fn logins_keep_the_rate() {
        let pacing = Pacing::new(20);
        let start = Instant::now();
        for _ in 0..41 {
            pacing.slot().await;
        }
        let took = start.elapsed();
        assert!(
            took >= Duration::from_secs(2) && took < Duration::from_millis(2_101),
            "{took:?}"
        );
    }
}
