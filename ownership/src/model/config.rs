//! What is modelled, and what is broken on purpose.

use std::time::Duration;

use crate::lease::{LeaseTimes, Moment};

/// A moment on a clock of the model.
pub(super) fn at(tick: u64) -> Moment {
    Moment(Duration::from_secs(tick))
}

/// Times in ticks.
pub(super) fn times(renew_every: u64, fence_after: u64, expires_after: u64) -> LeaseTimes {
    LeaseTimes {
        renew_every: Duration::from_secs(renew_every),
        fence_after: Duration::from_secs(fence_after),
        expires_after: Duration::from_secs(expires_after),
    }
}

/// A fleet and its circumstances.
#[derive(Debug, Clone)]
pub(super) struct Config {
    /// Connectors.
    pub(super) peers: usize,
    pub(super) shards: u16,
    /// By which connectors fence themselves.
    pub(super) fencing: LeaseTimes,
    /// By which they judge others.
    pub(super) judging: LeaseTimes,
    /// How far apart two clocks may ever be. Over any interval they then differ by at most twice
    /// as much.
    pub(super) drift: u64,
    /// How much may go wrong: crashes, drains, lost answers, writes that come late or twice,
    /// databases that die. Stopped processes and partitions are not counted.
    pub(super) faults: u8,
    /// It begins with a fleet that has come to rest; otherwise with one that begins, too.
    pub(super) at_rest: bool,
    /// What is taken is opened and written to. Otherwise only who owns what is modelled.
    pub(super) effects: bool,
    /// A renewal is not written over a later one.
    pub(super) renewals_in_order: bool,
    /// A taking has the condition that the `rvn` of the old owner is as seen.
    pub(super) rvn_condition: bool,
    /// What was taken is used only in the term of the lease in which it was taken; otherwise
    /// whenever the lease holds.
    pub(super) terms: bool,
    /// A session database takes commits of the writer that opened it last, and no others.
    pub(super) database_fence: bool,
}

impl Config {
    /// The protocol as it is, with a lease of these times.
    pub(super) fn new(peers: usize, shards: u16, lease: LeaseTimes) -> Self {
        Self {
            peers,
            shards,
            fencing: lease,
            judging: lease,
            drift: 0,
            faults: 0,
            at_rest: false,
            effects: true,
            renewals_in_order: true,
            rvn_condition: true,
            terms: true,
            database_fence: true,
        }
    }
}
