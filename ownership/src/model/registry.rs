//! The registry: each write is done at one moment, if its condition holds then.

use pombal_domain::time::UnixMs;
use pombal_domain::{ConnectorId, ConnectorRow, Epoch, Fleet, Rvn, ShardId, ShardRow};
use uuid::Uuid;

use super::config::Config;
use crate::placement::OldOwner;

pub(super) fn id(peer: usize) -> ConnectorId {
    ConnectorId::from_uuid(Uuid::from_u128(peer as u128))
}

/// The connector of this id.
pub(super) fn number(id: ConnectorId) -> usize {
    usize::try_from(id.as_uuid().as_u128()).unwrap()
}

/// A renewal on its way. Each connector numbers its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Renewal {
    pub(super) from: usize,
    pub(super) number: u64,
    pub(super) accepting: bool,
}

/// What the registry has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Registry {
    /// The last renewal of each connector. None: it has no row.
    pub(super) rows: Vec<Option<Renewal>>,
    pub(super) shards: Vec<ShardRow>,
}

impl Registry {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            rows: vec![None; config.peers],
            shards: (0..config.shards)
                .map(|shard| ShardRow::fresh(ShardId(shard)))
                .collect(),
        }
    }

    pub(super) fn shard(&self, shard: ShardId) -> &ShardRow {
        &self.shards[usize::from(shard.0)]
    }

    /// A consistent read of everything.
    pub(super) fn fleet(&self) -> Fleet {
        let row = |row: &Renewal| ConnectorRow {
            id: id(row.from),
            rvn: rvn(row.number),
            accepting: row.accepting,
            drain_requested: false,
            instances: 0,
            open: 0,
            started_at: UnixMs(0),
            renewed_at: UnixMs(0),
        };
        Fleet {
            connectors: self.rows.iter().flatten().map(row).collect(),
            shards: self.shards.clone(),
        }
    }

    pub(super) fn renew(&mut self, config: &Config, renewal: Renewal) {
        let row = &mut self.rows[renewal.from];
        let is_late = row.is_some_and(|row| row.number > renewal.number);
        if !(is_late && config.renewals_in_order) {
            *row = Some(renewal);
        }
    }

    /// Whether a taking has its conditions.
    pub(super) fn can_take(&self, config: &Config, seen: &ShardRow, old: OldOwner) -> bool {
        let row = self.shard(seen.shard);
        let as_seen = match old {
            OldOwner::Expired { id, rvn: seen } if config.rvn_condition => {
                self.rows[number(id)].map(|row| rvn(row.number)) == seen
            }
            OldOwner::Expired { .. } | OldOwner::None => true,
        };
        as_seen && (row.owner, row.epoch) == (seen.owner, seen.epoch)
    }

    /// The taking of a shard. The new epoch, if it is done.
    pub(super) fn take(
        &mut self,
        config: &Config,
        me: usize,
        seen: &ShardRow,
        old: OldOwner,
    ) -> Option<Epoch> {
        if !self.can_take(config, seen, old) {
            return None;
        }
        let row = self.if_as_seen(seen)?;
        (row.owner, row.epoch, row.wanted_by) = (Some(id(me)), row.epoch.next(), None);
        Some(row.epoch)
    }

    /// Changes who waits for a shard. Whether it is done.
    pub(super) fn wish(&mut self, seen: &ShardRow, by: Option<usize>) -> bool {
        let row = self.if_as_seen(seen);
        match row.filter(|row| row.wanted_by == seen.wanted_by) {
            Some(row) => {
                row.wanted_by = by.map(id);
                true
            }
            None => false,
        }
    }

    /// Takes the owner from a shard. Whether it is done.
    pub(super) fn release(&mut self, seen: &ShardRow) -> bool {
        self.if_as_seen(seen).map(|row| row.owner = None).is_some()
    }

    fn if_as_seen(&mut self, seen: &ShardRow) -> Option<&mut ShardRow> {
        let row = &mut self.shards[usize::from(seen.shard.0)];
        ((row.owner, row.epoch) == (seen.owner, seen.epoch)).then_some(row)
    }
}

pub(super) fn rvn(number: u64) -> Rvn {
    Rvn::from_uuid(Uuid::from_u128(number.into()))
}
