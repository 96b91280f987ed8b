//! Everything at one moment.

use std::collections::BTreeSet;
use std::time::Duration;

use pombal_domain::{Epoch, ShardId};

use super::config::Config;
use super::peer::{Effect, Open, Peer};
use super::registry::{Registry, Renewal, id};

/// Two connectors, or an older one after a newer, had their commits or events accepted.
pub(super) const TWO_WRITERS: &str = "two writers were accepted";
/// A socket was opened by a connector that the registry does not name.
pub(super) const STRANGER: &str = "a socket was opened by a non-owner";

/// A shard was taken from a connector whose lease holds.
pub(super) const ROBBED: &str = "a shard was taken from a connector whose lease holds";

/// What judges the writes for one shard in the end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Arbiters {
    /// Who opened the session database last.
    pub(super) writer: Option<(Epoch, usize)>,
    /// Whose commit was accepted last.
    pub(super) committed: Option<(Epoch, usize)>,
    /// Whose event was accepted last.
    pub(super) published: Option<(Epoch, usize)>,
}

/// The state of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct World {
    pub(super) registry: Registry,
    /// Renewals on their way.
    pub(super) post: BTreeSet<Renewal>,
    pub(super) peers: Vec<Option<Peer>>,
    pub(super) arbiters: Vec<Arbiters>,
    pub(super) faults: u8,
    /// From the configuration: what can come back matters.
    pub(super) in_order: bool,
    /// Longest time between two looks.
    pub(super) longest_gap: Duration,
    pub(super) fence_after: Duration,
    /// The number of the next renewal.
    pub(super) next: u64,
    /// What must never happen, and did.
    pub(super) violation: Option<&'static str>,
    /// Shards that were taken from a connector whose process lives.
    pub(super) robbed: u32,
    /// Commits that a session database refused.
    pub(super) refused: u32,
    /// Writes that got out after their shard was cut.
    pub(super) strays: u32,
}

impl World {
    pub(super) fn new(config: &Config) -> Self {
        let peers = (0..config.peers).map(|me| Some(Peer::new(config, me)));
        Self {
            registry: Registry::new(config),
            post: BTreeSet::new(),
            peers: peers.collect(),
            arbiters: vec![Arbiters::default(); config.shards.into()],
            faults: config.faults,
            in_order: config.renewals_in_order,
            fence_after: config.fencing.fence_after,
            longest_gap: config.judging.longest_gap(),
            next: 1,
            violation: None,
            robbed: 0,
            refused: 0,
            strays: 0,
        }
    }

    pub(super) fn living(&self) -> impl Iterator<Item = &Peer> {
        self.peers.iter().flatten()
    }

    /// Whether the registry names everybody who may act for a shard.
    pub(super) fn actors_are_owners(&self, config: &Config) -> bool {
        let is_owner = |peer: &Peer, open: &Open| {
            let row = self.registry.shard(open.shard);
            (row.owner, row.epoch) == (Some(id(peer.me)), open.epoch)
        };
        self.living().all(|peer| {
            let mut open = peer.open.iter().filter(|open| !open.cut);
            open.all(|open| !peer.may_act(config, open.term) || is_owner(peer, open))
        })
    }

    /// The sockets of a shard, and whether the lease of who has them holds.
    pub(super) fn sockets(&self, config: &Config, shard: ShardId) -> Vec<bool> {
        let of = |peer: &Peer| {
            let open = peer.open.iter().find(|o| o.shard == shard && o.socket);
            open.map(|open| peer.may_act(config, open.term))
        };
        self.living().filter_map(of).collect()
    }

    /// The lease was just checked for something that reaches out, and holds.
    pub(super) fn checked(&mut self, peer: usize, shard: ShardId, epoch: Epoch, effect: Effect) {
        let row = self.registry.shard(shard);
        let is_owner = (row.owner, row.epoch) == (Some(id(peer)), epoch);
        if effect == Effect::OpenSocket && !is_owner {
            self.violation = Some(STRANGER);
        }
    }

    /// Something reaches the outside, whatever has happened since the lease was checked. False:
    /// the session database has refused it.
    pub(super) fn reached(
        &mut self,
        config: &Config,
        peer: usize,
        shard: ShardId,
        epoch: Epoch,
        effect: Effect,
    ) -> bool {
        let arbiters = &mut self.arbiters[usize::from(shard.0)];
        let this = (epoch, peer);
        if effect == Effect::OpenDatabase {
            arbiters.writer = Some(this);
        }
        if effect != Effect::Write {
            return true;
        }
        // Who reads the events drops those of an older epoch.
        if arbiters.published.is_none_or(|(newest, _)| newest <= epoch) {
            let twice = is_older(this, arbiters.published);
            self.violation = self.violation.or(twice.then_some(TWO_WRITERS));
            arbiters.published = Some(this);
        }
        let accepted = !config.database_fence || arbiters.writer == Some(this);
        if accepted {
            let twice = is_older(this, arbiters.committed);
            self.violation = self.violation.or(twice.then_some(TWO_WRITERS));
            arbiters.committed = arbiters.committed.max(Some(this));
        } else {
            self.refused += 1;
        }
        accepted
    }

    /// Whether every shard is run by a living owner that accepts, in fair shares.
    pub(super) fn is_settled(&self, config: &Config) -> bool {
        let takers = || self.living().filter(|peer| !peer.draining);
        let runs = |peer: &Peer| peer.open.iter().filter(|open| open.socket).count();
        let (most, least) = (takers().map(runs).max(), takers().map(runs).min());
        let is_run = |shard: ShardId| {
            let row = self.registry.shard(shard);
            row.wanted_by.is_none()
                && self.sockets(config, shard) == [true]
                && takers().any(|peer| {
                    let owns = row.owner == Some(id(peer.me));
                    owns && peer.held.get(&shard).map(|held| held.epoch()) == Some(row.epoch)
                })
        };
        (0..config.shards).all(|shard| is_run(ShardId(shard)))
            && most
                .zip(least)
                .is_some_and(|(most, least)| most - least <= 1)
    }
}

/// Whether a write comes from before the last one, or from another of the same epoch.
fn is_older(this: (Epoch, usize), last: Option<(Epoch, usize)>) -> bool {
    last.is_some_and(|last| last.0 > this.0 || (last.0 == this.0 && last.1 != this.1))
}
