//! Until when attempts may last. A function has one, a service has none.

use std::time::Duration;

use tokio::time::Instant;

/// Left after an attempt, for what follows from it: a letter is written, messages are given
/// back.
const AFTERWARDS: Duration = Duration::from_secs(3);

/// Who has not answered by then is slow.
const FAIR: Duration = Duration::from_secs(10);

/// When everything must have ended, if ever, and how long others may be kept waiting.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Deadline {
    end: Option<Instant>,
    shared: Option<Shared>,
}

/// Others get no more of their events until this is over.
#[derive(Debug, Clone, Copy)]
struct Shared {
    /// How long an attempt may last.
    longest: Duration,
    /// None begins later.
    begin_by: Option<Instant>,
}

impl Deadline {
    pub(super) fn at(end: Instant) -> Self {
        Self {
            end: Some(end),
            shared: None,
        }
    }

    /// While others wait: attempts last `longest` at most, and begin within as much from now.
    pub(super) fn shared(self, longest: Duration) -> Self {
        let begin_by = Some(Instant::now() + longest);
        Self {
            shared: Some(Shared { longest, begin_by }),
            ..self
        }
    }

    /// While one other waits: the attempt lasts `longest` at most, and may begin as before.
    pub(super) fn at_most(self, longest: Duration) -> Self {
        let begin_by = self.shared.and_then(|shared| shared.begin_by);
        let longest = self.cut(longest);
        Self {
            shared: Some(Shared { longest, begin_by }),
            ..self
        }
    }

    /// For who begins in any case.
    pub(super) fn first(self) -> Self {
        let shared = self.shared.map(|shared| Shared {
            begin_by: None,
            ..shared
        });
        Self { shared, ..self }
    }

    /// How long an attempt may last that should have `longest`; `None` when no time is left for
    /// one.
    pub(super) fn attempt(self, longest: Duration) -> Option<Duration> {
        let begin_by = self.shared.and_then(|shared| shared.begin_by);
        if begin_by.is_some_and(|end| Instant::now() >= end) {
            return None;
        }
        self.left(self.cut(longest))
    }

    /// Whether the end is far enough for an attempt that gives the endpoint a fair chance.
    pub(super) fn fits(self, longest: Duration) -> bool {
        let longest = self.cut(longest);
        self.left(longest) >= Some(longest.min(FAIR))
    }

    fn cut(self, longest: Duration) -> Duration {
        self.shared
            .map_or(longest, |shared| shared.longest.min(longest))
    }

    fn left(self, longest: Duration) -> Option<Duration> {
        match self.end {
            Some(end) => within(end.saturating_duration_since(Instant::now()), longest),
            None => Some(longest),
        }
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

    #[tokio::test(start_paused = true)]
    async fn nobody_keeps_others_waiting_for_long() {
        let secs = Duration::from_secs;
        let alone = Deadline::at(Instant::now() + secs(60));
        let shared = alone.shared(secs(5));
        assert_eq!(alone.attempt(secs(30)), Some(secs(30)));
        assert_eq!(shared.attempt(secs(30)), Some(secs(5)));
        assert_eq!(shared.attempt(secs(2)), Some(secs(2)));
        assert!(shared.fits(secs(30)));
        assert_eq!(
            Deadline::default().at_most(secs(4)).attempt(secs(30)),
            Some(secs(4))
        );
        assert_eq!(shared.at_most(secs(4)).attempt(secs(30)), Some(secs(4)));
        assert_eq!(shared.at_most(secs(9)).attempt(secs(30)), Some(secs(5)));

        tokio::time::advance(secs(5)).await;
        assert_eq!(shared.attempt(secs(30)), None);
        assert_eq!(shared.at_most(secs(4)).attempt(secs(30)), None);
        assert_eq!(shared.first().attempt(secs(30)), Some(secs(5)));
        assert_eq!(alone.attempt(secs(30)), Some(secs(30)));
        // There is time for what takes none: putting an event off.
        assert!(shared.fits(secs(30)));
        tokio::time::advance(secs(48)).await;
        assert!(!shared.fits(secs(30)));
    }
}
