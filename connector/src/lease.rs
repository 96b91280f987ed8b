//! This process's own lease, and the right to act that comes with it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pombal_ownership::{self as ownership, LeaseTimes, Moment, Term};
use tokio::time::{Instant, sleep_until};

use crate::tenure::Tenure;

/// The lease of this process on everything that it owns, on this process's clock.
#[derive(Debug)]
pub(crate) struct Lease {
    started_at: Instant,
    times: LeaseTimes,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// Shared with other processes: it has to be renewed.
    Shared(ownership::Lease),
    /// Of a process that is alone.
    ForEver,
}

/// What a tenure lasts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum While {
    /// This term of the lease.
    Term(Term),
    /// For ever: the process is alone.
    Alone,
}

impl Lease {
    /// A lease that was not renewed yet.
    pub(crate) fn new(times: LeaseTimes) -> Arc<Self> {
        Self::with(times, State::Shared(ownership::Lease::new(times)))
    }

    /// The lease of a process that is alone by itself: it never lapses.
    pub(crate) fn for_ever() -> Arc<Self> {
        Self::with(LeaseTimes::default(), State::ForEver)
    }

    fn with(times: LeaseTimes, state: State) -> Arc<Self> {
        Arc::new(Self {
            started_at: Instant::now(),
            times,
            state: Mutex::new(state),
        })
    }

    pub(crate) fn times(&self) -> LeaseTimes {
        self.times
    }

    /// The time now, on the clock of the lease.
    pub(crate) fn now(&self) -> Moment {
        Moment(self.started_at.elapsed())
    }

    /// The registry has taken a renewal that began at `began_at`. Returns whether a new term
    /// begins with it.
    pub(crate) fn renewed(&self, began_at: Moment) -> bool {
        match &mut *self.state() {
            State::Shared(lease) => {
                let now = self.now();
                let before = lease.term(now);
                lease.renewed(began_at, now);
                before.is_none()
            }
            State::ForEver => false,
        }
    }

    /// Whether the lease holds now.
    pub(crate) fn holds(&self) -> bool {
        self.term().is_some()
    }

    /// Whether what was begun in this term may still be done.
    pub(crate) fn lasts(&self, term: While) -> bool {
        self.term() == Some(term)
    }

    /// A right to act until the present term ends. None when the lease does not hold.
    pub(crate) fn tenure(self: &Arc<Self>) -> Option<Tenure> {
        Some(Tenure::new(Arc::clone(self), self.term()?))
    }

    /// Resolves when this term has ended.
    pub(crate) async fn ended(&self, term: While) {
        while self.lasts(term) {
            let fence_at = match &*self.state() {
                State::Shared(lease) => lease.fence_at(),
                State::ForEver => None,
            };
            match fence_at {
                // Renewals move it meanwhile.
                Some(at) => sleep_until(self.started_at + at.0).await,
                None => std::future::pending().await,
            }
        }
    }

    fn term(&self) -> Option<While> {
        match &*self.state() {
            State::Shared(lease) => lease.term(self.now()).map(While::Term),
            State::ForEver => Some(While::Alone),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn it_lapses_nine_seconds_after_a_renewal_began() {
        let lease = Lease::new(LeaseTimes::default());
        assert!(!lease.holds());
        assert!(lease.tenure().is_none());
        let asked_at = lease.now();
        advance(SECOND * 2).await;
        assert!(lease.renewed(asked_at), "a first term");
        let tenure = lease.tenure().unwrap();
        advance(SECOND * 7 - Duration::from_millis(1)).await;
        assert!(lease.holds() && tenure.holds());
        advance(Duration::from_millis(1)).await;
        assert!(!lease.holds() && !tenure.holds());
        tenure.ended().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_that_comes_too_late_gives_nothing_back() {
        let lease = Lease::new(LeaseTimes::default());
        lease.renewed(lease.now());
        let before = lease.tenure().unwrap();
        advance(SECOND * 20).await;
        // The process was stopped: whatever it does first, it renews or it writes.
        assert!(lease.renewed(lease.now()));
        assert!(lease.holds());
        assert!(!before.holds());
        before.ended().await;
        assert!(lease.tenure().unwrap().holds());
    }

    #[tokio::test(start_paused = true)]
    async fn renewals_keep_a_term_alive() {
        let lease = Lease::new(LeaseTimes::default());
        lease.renewed(lease.now());
        let tenure = lease.tenure().unwrap();
        for _ in 0..10 {
            advance(SECOND * 3).await;
            assert!(!lease.renewed(lease.now()));
        }
        assert!(tenure.holds());
        assert!(Lease::for_ever().tenure().unwrap().holds());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_out_of_order_takes_nothing_away() {
        let lease = Lease::new(LeaseTimes::default());
        let early = lease.now();
        advance(SECOND).await;
        lease.renewed(lease.now());
        lease.renewed(early);
        advance(SECOND * 8 + SECOND / 2).await;
        assert!(lease.holds());
    }
}
