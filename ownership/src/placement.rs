//! What a connector does with each shard.

mod mine;
mod others;
mod view;

use std::collections::BTreeMap;

pub use pombal_domain::OldOwner;
use pombal_domain::{ConnectorId, Epoch, Fleet, ShardId, ShardRow};

use crate::observer::Observer;
use view::View;

/// Everything that a decision depends on.
#[derive(Debug)]
pub struct Situation<'a> {
    /// Who decides.
    pub me: ConnectorId,
    /// How many shards there are: those below this number.
    pub shards: u16,
    /// What was read last, by a consistent read.
    pub fleet: &'a Fleet,
    /// Whose lease is over. It has observed `fleet`.
    pub observer: &'a Observer,
    /// What this process has of each shard, by its own account.
    pub held: &'a BTreeMap<ShardId, Held>,
    /// Whether this connector takes shards. Its row says the same, or soon will.
    pub accepting: bool,
    /// It ends, and gives everything away. Then it does not accept either.
    pub draining: bool,
    /// It has drained for so long that it can't wait for takers any more.
    pub hurried: bool,
    /// It has digested what it took last, and can ask for more.
    pub ready: bool,
    /// No other process can be alive: the registry is this process's own. Nobody's lease is
    /// waited for.
    pub alone: bool,
}

/// What a process has of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Held {
    /// It is open, or being opened, or will be tried again after a pause.
    Running(Epoch),
    /// It is being closed.
    Closing(Epoch),
    /// It is closed, and its row is to be released.
    Closed(Epoch),
}

impl Held {
    /// The epoch in which it was taken.
    #[must_use]
    pub const fn epoch(self) -> Epoch {
        match self {
            Self::Running(epoch) | Self::Closing(epoch) | Self::Closed(epoch) => epoch,
        }
    }
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Action {
    /// Take the shard, if it and its old owner are still as seen, and open it.
    Take {
        /// The shard's row.
        seen: ShardRow,
        /// Its old owner.
        old: OldOwner,
    },
    /// Ask its owner for the shard.
    Request {
        /// The shard's row.
        seen: ShardRow,
    },
    /// Tell who asked for this shard of ours that it does not get it.
    Refuse {
        /// The shard's row.
        seen: ShardRow,
    },
    /// Close the shard in order, then release it.
    HandOver {
        /// The shard.
        shard: ShardId,
    },
    /// Release the shard's row: it is closed.
    Release {
        /// The shard's row.
        seen: ShardRow,
    },
    /// The shard is lost: cut everything of it at once, and forget it.
    Drop {
        /// The shard.
        shard: ShardId,
    },
}

/// What to do about every shard, in this order. It is asked for, and done, only while the lease
/// of this connector holds: who takes shards without one loses them at once.
#[must_use]
pub fn decide(situation: &Situation<'_>) -> Vec<Action> {
    let view = View::of(situation);
    let mut actions = mine::decide(situation, &view);
    if situation.accepting && !situation.draining {
        actions.extend(others::decide(situation, &view));
    }
    actions
}

#[cfg(test)]
mod tests;
