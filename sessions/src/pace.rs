//! When the next commit may start.

use std::time::Duration;

use tokio::time::Instant;

/// Permits commits: a shortest time between two, and a longer one that steady traffic is held
/// to, because each commit is a billed request.
///
/// The longer one is a virtual schedule (the generic cell rate algorithm of ATM): each start
/// moves it on by `sustained`, and starts may run ahead of it by [`Pace::BURST`] of these. So a
/// message now and then never waits for more than `least`.
#[derive(Debug)]
pub(crate) struct Pace {
    least: Duration,
    sustained: Duration,
    last_start: Option<Instant>,
    /// Where the virtual schedule stands. In the past when it has been quiet.
    schedule: Option<Instant>,
}

impl Pace {
    /// Commits that may run ahead of the schedule: some texts, each with three commits.
    const BURST: u32 = 12;

    /// `sustained` counts only where it is longer than `least`.
    pub(crate) fn new(least: Duration, sustained: Duration) -> Self {
        Self {
            least,
            sustained: sustained.max(least),
            last_start: None,
            schedule: None,
        }
    }

    /// The moment of the next permitted start. `None`: any.
    pub(crate) fn next(&self) -> Option<Instant> {
        let spaced = self.last_start? + self.least;
        let ahead = self.sustained * Self::BURST;
        let scheduled = self.schedule.and_then(|at| at.checked_sub(ahead));
        Some(scheduled.map_or(spaced, |at| at.max(spaced)))
    }

    /// A commit starts now.
    pub(crate) fn start(&mut self) {
        let now = Instant::now();
        self.last_start = Some(now);
        self.schedule = Some(self.schedule.map_or(now, |at| at.max(now)) + self.sustained);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Starts as early as it may, `count` times, and returns when, in milliseconds.
    async fn starts(pace: &mut Pace, count: usize) -> Vec<u128> {
        let begin = Instant::now();
        let mut times = Vec::new();
        for _ in 0..count {
            if let Some(at) = pace.next() {
                tokio::time::sleep_until(at).await;
            }
            pace.start();
            times.push(begin.elapsed().as_millis());
        }
        times
    }

    fn gaps(times: &[u128]) -> Vec<u128> {
        times.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_spaced_by_the_least_and_steady_traffic_by_more() {
        let mut pace = Pace::new(100 * MS, 300 * MS);
        let times = starts(&mut pace, 40).await;
        let pauses = gaps(&times);
        assert!(pauses[..12].iter().all(|gap| *gap == 100), "{pauses:?}");
        assert!(pauses[25..].iter().all(|gap| *gap == 300), "{pauses:?}");
        // Quiet for as long as the burst lasts, and it may burst again.
        tokio::time::sleep(300 * MS * 12).await;
        let times = starts(&mut pace, 10).await;
        assert!(gaps(&times).iter().all(|gap| *gap == 100), "{times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_longer_time_only_the_least_counts() {
        let mut pace = Pace::new(2 * MS, Duration::ZERO);
        let times = starts(&mut pace, 100).await;
        assert!(gaps(&times).iter().all(|gap| *gap == 2), "{times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_start_waits_for_nothing() {
        assert_eq!(Pace::new(100 * MS, 300 * MS).next(), None);
    }
}
