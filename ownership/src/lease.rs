//! The lease of a process, by its own account.

mod times;

pub use times::{LeaseTimes, Moment};

/// An unbroken run of renewals. What was taken in one term is lost with it: in the gap before
/// the next, others may have taken it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Term(u64);

/// The lease of this process.
///
/// It is not enough to ask whether the lease holds *now*. A process that was stopped may renew
/// the moment it goes on, before anything in it has noticed the gap. So whoever takes a shard
/// notes the [`Term`] in which it sends the taking, and each later act for that shard needs the
/// lease to hold in the same term.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lease {
    times: LeaseTimes,
    /// When the last successful renewal began.
    renewed_at: Option<Moment>,
    term: Term,
}

impl Lease {
    /// A lease that has never been renewed, and does not hold.
    #[must_use]
    pub const fn new(times: LeaseTimes) -> Self {
        Self {
            times,
            renewed_at: None,
            term: Term(0),
        }
    }

    /// Notes that a renewal which began at `began_at` is known to be done, `now`.
    ///
    /// If the lease has run out before `now`, this begins a new term. When the renewal began
    /// does not matter for that: it was written at an unknown time before `now`, and until then
    /// others may have found the lease over.
    pub fn renewed(&mut self, began_at: Moment, now: Moment) {
        if !self.is_valid(now) {
            self.term = Term(self.term.0 + 1);
        }
        self.renewed_at = self.renewed_at.max(Some(began_at));
    }

    /// The term, if the lease holds now.
    #[must_use]
    pub fn term(&self, now: Moment) -> Option<Term> {
        self.is_valid(now).then_some(self.term)
    }

    /// Whether the lease holds now, and has held ever since `term` began.
    #[must_use]
    pub fn holds(&self, term: Term, now: Moment) -> bool {
        self.term(now) == Some(term)
    }

    /// When everything is to be dropped, unless it is renewed. None: there was no renewal yet.
    #[must_use]
    pub fn fence_at(&self) -> Option<Moment> {
        self.renewed_at.map(|began| self.times.fence_at(began))
    }

    fn is_valid(&self, now: Moment) -> bool {
        self.fence_at().is_some_and(|fence_at| now < fence_at)
    }
}

#[cfg(test)]
mod tests;
