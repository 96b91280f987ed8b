//! Pauses between tries.

use std::time::Duration;

use rand::RngExt;

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
}
