//! What makes two states of the model different.
//!
//! A clock's value, an epoch and a `rvn` mean nothing by themselves: ages, order and equality do.
//! States that differ in nothing else have the same future. Told apart by this, the states are
//! finitely many, and a search ends.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use pombal_domain::{ConnectorId, Epoch, Rvn, ShardId, ShardRow};

use super::config::at;
use super::peer::Peer;
use super::registry::{Renewal, number};
use super::world::World;
use crate::placement::{Action, OldOwner};

/// Longest age that matters to anything: longer than any lease of the model.
const OLD: Duration = Duration::from_secs(5);

impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let ranks = Ranks::of(self);
        for renewal in self.registry.rows.iter().flatten().chain(&self.post) {
            ranks.renewal(*renewal).hash(state);
        }
        self.post.len().hash(state);
        for row in &self.registry.shards {
            ranks.row(row).hash(state);
        }
        for (shard, arbiters) in self.arbiters.iter().enumerate() {
            for last in [arbiters.writer, arbiters.committed, arbiters.published] {
                last.map(|(epoch, peer)| (ranks.epoch(shard, epoch), peer))
                    .hash(state);
            }
        }
        let first = self.living().map(|peer| peer.clock).min();
        for peer in &self.peers {
            peer.is_some().hash(state);
            if let Some(peer) = peer {
                (peer.clock - first.unwrap_or_default()).hash(state);
                ranks.peer(peer, state);
            }
        }
        (self.faults, self.violation).hash(state);
    }
}

/// The place of each number among those that still occur.
struct Ranks {
    renewals: Vec<u64>,
    /// By shard.
    epochs: Vec<Vec<Epoch>>,
    /// The number in each connector's row.
    rows: Vec<Option<u64>>,
    in_order: bool,
    longest_gap: Duration,
    fence_after: Duration,
}

fn of_rvn(rvn: Rvn) -> u64 {
    u64::try_from(rvn.as_uuid().as_u128()).expect("a number of the model")
}

impl Ranks {
    fn of(world: &World) -> Self {
        let mut renewals: Vec<u64> = Vec::new();
        let rows = world.registry.rows.iter().flatten();
        renewals.extend(rows.chain(&world.post).map(|renewal| renewal.number));
        let mut epochs: Vec<Vec<Epoch>> = Vec::new();
        for (row, last) in world.registry.shards.iter().zip(&world.arbiters) {
            let mut of = vec![row.epoch];
            let last = [last.writer, last.committed, last.published];
            of.extend(last.iter().flatten().map(|(epoch, _)| *epoch));
            epochs.push(of);
        }
        for peer in world.living() {
            renewals.extend(peer.renewing.map(|(_, number, _)| number));
            if !world.in_order {
                let others = peer.observer.seen.values();
                renewals.extend(others.filter_map(|other| other.rvn).map(of_rvn));
            }
            for (shard, held) in &peer.held {
                epochs[usize::from(shard.0)].push(held.epoch());
            }
            for open in &peer.open {
                epochs[usize::from(open.shard.0)].push(open.epoch);
            }
            for action in &peer.to_do {
                if let Some(seen) = seen(action) {
                    epochs[usize::from(seen.shard.0)].push(seen.epoch);
                }
                if let Action::Take { old, .. } = action
                    && let OldOwner::Expired { rvn: Some(rvn), .. } = old
                {
                    renewals.push(of_rvn(*rvn));
                }
            }
        }
        renewals.sort_unstable();
        renewals.dedup();
        for epochs in &mut epochs {
            epochs.sort_unstable();
            epochs.dedup();
        }
        let rows = world.registry.rows.iter();
        Self {
            renewals,
            epochs,
            rows: rows.map(|row| row.map(|row| row.number)).collect(),
            in_order: world.in_order,
            longest_gap: world.longest_gap,
            fence_after: world.fence_after,
        }
    }

    fn number(&self, number: u64) -> usize {
        self.renewals.partition_point(|other| *other < number)
    }

    fn renewal(&self, renewal: Renewal) -> (usize, usize, bool) {
        let number = self.number(renewal.number);
        (renewal.from, number, renewal.accepting)
    }

    fn epoch(&self, shard: usize, epoch: Epoch) -> usize {
        self.epochs[shard].partition_point(|other| *other < epoch)
    }

    fn row(&self, row: &ShardRow) -> (ShardId, usize, Option<usize>, Option<usize>) {
        let epoch = self.epoch(row.shard.0.into(), row.epoch);
        let peer = |id: Option<ConnectorId>| id.map(number);
        (row.shard, epoch, peer(row.owner), peer(row.wanted_by))
    }

    fn peer<H: Hasher>(&self, peer: &Peer, state: &mut H) {
        let now = at(peer.clock);
        let fence_in = peer.lease.fence_at().map(|then| then.since(now));
        (fence_in, peer.draining, peer.hurried).hash(state);
        if let Some((began, number, answered)) = peer.renewing {
            // Its answer is worth nothing when the lease that it gives would be over.
            let left = self.fence_after.saturating_sub(now.since(at(began)));
            (left, self.number(number), answered).hash(state);
        }
        self.observer(peer, state);
        peer.to_do.len().hash(state);
        for action in &peer.to_do {
            self.action(action, state);
        }
        if !peer.to_do.is_empty() {
            let holds = |term| peer.lease.holds(term, now);
            peer.decided_in.map(holds).hash(state);
        }
        for (shard, held) in &peer.held {
            let epoch = self.epoch(shard.0.into(), held.epoch());
            (shard, std::mem::discriminant(held), epoch).hash(state);
        }
        for open in &peer.open {
            let epoch = self.epoch(open.shard.0.into(), open.epoch);
            let holds = peer.lease.holds(open.term, now);
            (open.shard, epoch, holds, open.pending).hash(state);
            (open.database, open.socket, open.cut).hash(state);
        }
    }

    /// What it knows of others, if it will still count at the next look.
    fn observer<H: Hasher>(&self, peer: &Peer, state: &mut H) {
        let now = at(peer.clock);
        let looked = peer.observer.looked_at.map(|then| now.since(then));
        let looked = looked.filter(|age| *age <= self.longest_gap);
        looked.hash(state);
        if looked.is_none() {
            return;
        }
        for (id, seen) in &peer.observer.seen {
            let other = number(*id);
            let changed = seen.rvn.map(of_rvn) != self.rows[other];
            if other == peer.me || (changed && self.in_order) {
                continue;
            }
            let age = now.since(seen.since).min(OLD);
            let age = (!seen.expired).then_some(age);
            let rvn = seen.rvn.map(|rvn| self.number(of_rvn(rvn)));
            (other, rvn, age).hash(state);
        }
    }

    fn action<H: Hasher>(&self, action: &Action, state: &mut H) {
        std::mem::discriminant(action).hash(state);
        seen(action).map(|seen| self.row(seen)).hash(state);
        match action {
            Action::Take {
                old: OldOwner::Expired { id, rvn },
                ..
            } => {
                let rvn = rvn.map(|rvn| self.number(of_rvn(rvn)));
                (number(*id), rvn).hash(state);
            }
            Action::HandOver { shard } | Action::Drop { shard } => shard.hash(state),
            _ => {}
        }
    }
}

/// The row on which an action depends.
fn seen(action: &Action) -> Option<&ShardRow> {
    match action {
        Action::Take { seen, .. }
        | Action::Request { seen }
        | Action::Refuse { seen }
        | Action::Release { seen } => Some(seen),
        Action::HandOver { .. } | Action::Drop { .. } => None,
    }
}
