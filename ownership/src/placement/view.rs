//! Who may own shards, and who has or gets which.

use std::collections::BTreeMap;

use pombal_domain::{ConnectorId, ShardId, ShardRow};

use super::{OldOwner, Situation};

/// The fleet as one connector sees it.
pub(super) struct View {
    /// Connectors that live and accept shards, with the number of shards that each has or
    /// gets. Sorted by id, the same for everybody who has read the same.
    pub(super) loads: BTreeMap<ConnectorId, usize>,
    /// Every shard, also those that were never owned.
    pub(super) rows: Vec<ShardRow>,
}

impl View {
    pub(super) fn of(situation: &Situation<'_>) -> Self {
        let mut view = Self {
            loads: BTreeMap::new(),
            rows: (0..situation.shards)
                .map(|shard| situation.fleet.shard(ShardId(shard)))
                .collect(),
        };
        for row in &situation.fleet.connectors {
            if row.id != situation.me && row.accepting && !gone(situation, row.id) {
                view.loads.insert(row.id, 0);
            }
        }
        if situation.accepting && !situation.draining {
            view.loads.insert(situation.me, 0);
        }
        for n in 0..view.rows.len() {
            if let Some(home) = view.home(&view.rows[n]) {
                view.add(home);
            }
        }
        view
    }

    /// Whether this connector can be given shards.
    pub(super) fn is_candidate(&self, id: ConnectorId) -> bool {
        self.loads.contains_key(&id)
    }

    /// Who is waited for to take the shard, if the wish still counts.
    pub(super) fn wanted_by(&self, row: &ShardRow) -> Option<ConnectorId> {
        row.wanted_by
            .filter(|id| row.owner != Some(*id) && self.is_candidate(*id))
    }

    /// Who has the shard and keeps it, or gets it.
    pub(super) fn home(&self, row: &ShardRow) -> Option<ConnectorId> {
        let owner = row.owner.filter(|id| self.is_candidate(*id));
        self.wanted_by(row).or(owner)
    }

    /// Shards that are in this connector's name now, whatever is to become of them.
    pub(super) fn owned(&self, id: ConnectorId) -> usize {
        self.rows.iter().filter(|row| row.owner == Some(id)).count()
    }

    /// The candidate with the fewest shards, which gets one more.
    pub(super) fn give(&mut self) -> Option<ConnectorId> {
        let (_, id) = self.loads.iter().map(|(id, load)| (*load, *id)).min()?;
        self.add(id);
        Some(id)
    }

    fn add(&mut self, id: ConnectorId) {
        if let Some(load) = self.loads.get_mut(&id) {
            *load += 1;
        }
    }
}

/// Whether this connector can't be alive any more.
fn gone(situation: &Situation<'_>, id: ConnectorId) -> bool {
    id != situation.me && (situation.alone || situation.observer.expired(id))
}

/// Whom a shard can be taken from now. None: its owner may be alive.
pub(super) fn takeable(situation: &Situation<'_>, row: &ShardRow) -> Option<OldOwner> {
    match row.owner {
        None => Some(OldOwner::None),
        Some(owner) if owner == situation.me => Some(OldOwner::None),
        Some(id) if gone(situation, id) => Some(OldOwner::Expired {
            id,
            rvn: situation.fleet.connector(id).map(|row| row.rvn),
        }),
        Some(_) => None,
    }
}
