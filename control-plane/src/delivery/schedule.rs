//! When to try again.

use std::time::Duration;

use super::failure::Failure;

/// The waits between attempts. There are as many retries as entries.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// The wait after the first, second… attempt. When they are used up, the event is dead.
    pub delays: Vec<Duration>,
    /// How much a wait varies, as a part of it. Default 0.2: ±20 %.
    pub jitter: f64,
    /// Least wait after a 429 or a time-out. Default 60 s.
    pub overload_floor: Duration,
    /// Answers after which an event is dead at once, as it is after a 410. Default none.
    pub final_statuses: Vec<u16>,
}

impl Default for Schedule {
    /// 5 s, 30 s, 2 m, 10 m, 30 m, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: more than three days.
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        let seconds = [
            5,
            30,
            2 * MINUTE,
            10 * MINUTE,
            30 * MINUTE,
            2 * HOUR,
            5 * HOUR,
            10 * HOUR,
            14 * HOUR,
            20 * HOUR,
            24 * HOUR,
        ];
        Self {
            delays: seconds.map(Duration::from_secs).to_vec(),
            jitter: 0.2,
            overload_floor: Duration::from_secs(60),
            final_statuses: Vec::new(),
        }
    }
}

impl Schedule {
    /// The wait after `attempts` attempts, the last of which ended in `failure`. `None`: it
    /// was the last one, or the endpoint's answer is final. `luck` from -1 to 1 places the wait within the jitter.
    ///
    /// What the endpoint asks for in `Retry-After` counts within once and twice the wait.
    pub(super) fn wait(&self, attempts: u32, failure: &Failure, luck: f64) -> Option<Duration> {
        if failure.is_final(&self.final_statuses) {
            return None;
        }
        let made = usize::try_from(attempts).unwrap_or(usize::MAX);
        let base = *self.delays.get(made.saturating_sub(1))?;
        let jittered = base.mul_f64((1.0 + self.jitter * luck.clamp(-1.0, 1.0)).max(0.0));
        let wait = if failure.is_overload() {
            jittered.max(self.overload_floor)
        } else {
            jittered
        };
        Some(
            failure
                .retry_after()
                .map_or(wait, |asked| asked.clamp(wait, wait * 2)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn status(status: u16, retry_after: Option<Duration>) -> Failure {
        Failure::Status {
            status,
            retry_after,
        }
    }

    #[test]
    fn waits_follow_the_schedule() {
        let schedule = Schedule::default();
        let failure = status(500, None);
        let seconds: Vec<u64> = (1..)
            .map_while(|made| schedule.wait(made, &failure, 0.0))
            .map(|wait| wait.as_secs())
            .collect();
        let hours = |h: u64| h * 3600;
        let expected = [
            5,
            30,
            120,
            600,
            1800,
            hours(2),
            hours(5),
            hours(10),
            hours(14),
            hours(20),
            hours(24),
        ];
        assert_eq!(seconds, expected);
        // An event that was never tried waits like one that was tried once.
        assert_eq!(
            schedule.wait(0, &failure, 0.0),
            Some(Duration::from_secs(5))
        );
        assert_eq!(
            schedule.wait(2, &failure, -1.0),
            Some(Duration::from_secs(24))
        );
        assert_eq!(
            schedule.wait(2, &failure, 1.0),
            Some(Duration::from_secs(36))
        );
        assert_eq!(
            schedule.wait(2, &failure, 9.0),
            Some(Duration::from_secs(36))
        );
        assert_eq!(schedule.wait(12, &failure, 0.0), None);
    }

    #[test]
    fn some_answers_are_final() {
        let schedule = Schedule {
            final_statuses: vec![404],
            ..Schedule::default()
        };
        for (answer, wanted) in [(404, false), (410, false), (400, true), (500, true)] {
            let wait = schedule.wait(1, &status(answer, None), 0.0);
            assert_eq!(wait.is_some(), wanted, "{answer}");
        }
    }

    #[test]
    fn endpoints_can_ask_for_time() {
        let schedule = Schedule::default();
        let secs = Duration::from_secs;
        for (failure, attempts, expected) in [
            (status(503, Some(secs(1))), 2, 30),
            (status(503, Some(secs(45))), 2, 45),
            (status(503, Some(secs(3600))), 2, 60),
            (status(429, None), 1, 60),
            (status(429, None), 3, 120),
            (status(429, Some(secs(90))), 1, 90),
            (status(429, Some(secs(900))), 1, 120),
            (Failure::TimedOut, 1, 60),
            (Failure::Stalled, 0, 5),
        ] {
            assert_eq!(
                schedule.wait(attempts, &failure, 0.0),
                Some(secs(expected)),
                "{failure:?}"
            );
        }
    }
}
