//! Moments, and the times of a lease.

use std::time::Duration;

/// A moment on one process's own monotonic clock: the time since some start. Moments of two
/// processes have nothing to do with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Moment(pub Duration);

impl Moment {
    /// The time since `earlier`; zero when it is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// So much later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

/// The times of a lease (DESIGN § 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LeaseTimes {
    /// How often the owner renews.
    pub renew_every: Duration,
    /// An owner that has not renewed for so long drops everything.
    pub fence_after: Duration,
    /// An owner that was not seen to renew for so long has lost everything. What is between
    /// this and [`Self::fence_after`] is the margin for clocks of different speed, and for the
    /// time that dropping takes.
    pub expires_after: Duration,
}

impl LeaseTimes {
    /// When the owner has to drop everything, if it began its last successful renewal at
    /// `renewed_at`. The beginning counts: the write was done at some time after it.
    #[must_use]
    pub fn fence_at(&self, renewed_at: Moment) -> Moment {
        renewed_at.plus(self.fence_after)
    }

    /// Longest time between the answers of two looks at the fleet for which the first still
    /// counts. There is a look at least every [`Self::renew_every`], and one of them may fail.
    pub(crate) fn longest_gap(&self) -> Duration {
        self.renew_every * 5 / 2
    }
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self {
            renew_every: Duration::from_secs(3),
            fence_after: Duration::from_secs(9),
            expires_after: Duration::from_secs(12),
        }
    }
}
