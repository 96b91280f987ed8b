//! Until when attempts may last. A function has one, a service has none.

use std::time::Duration;

use tokio::time::Instant;

/// Left after an attempt, for what follows from it: a letter is written, messages are given
/// back.
const AFTERWARDS: Duration = Duration::from_secs(3);

/// Who has not answered by then is slow.
const FAIR: Duration = Duration::from_secs(10);

/// When everything must have ended, if ever.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Deadline(Option<Instant>);

impl Deadline {
    pub(super) fn at(end: Instant) -> Self {
        Self(Some(end))
    }

    /// How long an attempt may last that should have `longest`; `None` when no time is left for
    /// one.
    pub(super) fn attempt(self, longest: Duration) -> Option<Duration> {
        match self.0 {
            Some(end) => within(end.saturating_duration_since(Instant::now()), longest),
            None => Some(longest),
        }
    }

    /// Whether there is time for an attempt that gives the endpoint a fair chance.
    pub(super) fn fits(self, longest: Duration) -> bool {
        self.attempt(longest) >= Some(longest.min(FAIR))
    }
}

/// How long an attempt may last when so much is left of everything.
fn within(left: Duration, longest: Duration) -> Option<Duration> {
    let left = left.saturating_sub(AFTERWARDS);
    Some(left.min(longest)).filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_ends_before_the_deadline() {
        let secs = Duration::from_secs;
        for (left, longest, expected) in [
            (13, 4, Some(4)),
            (13, 10, Some(10)),
            (13, 30, Some(10)),
            (4, 30, Some(1)),
            (3, 30, None),
            (0, 1, None),
        ] {
            let found = within(secs(left), secs(longest));
            assert_eq!(found, expected.map(secs), "{left} s left for {longest} s");
        }
        assert!(Deadline::default().fits(secs(1000)));
        let soon = Deadline::at(Instant::now() + secs(9));
        assert!(soon.fits(secs(5)) && !soon.fits(secs(7)) && !soon.fits(secs(30)));
        assert!(Deadline::at(Instant::now() + secs(15)).fits(secs(30)));
    }
}
