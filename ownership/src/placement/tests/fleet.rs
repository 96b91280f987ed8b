//! A fleet to decide about.

use std::collections::BTreeMap;
use std::time::Duration;

use pombal_domain::time::UnixMs;
use pombal_domain::{ConnectorId, ConnectorRow, Epoch, Fleet, Rvn, ShardId, ShardRow};
use uuid::Uuid;

use crate::lease::{LeaseTimes, Moment};
use crate::observer::Observer;
use crate::placement::{Action, Held, Situation, decide};

/// The connector of this number. They are sorted by it.
pub(super) fn id(number: u128) -> ConnectorId {
    ConnectorId::from_uuid(Uuid::from_u128(number))
}

/// A fleet, and what connector 1 thinks of it.
pub(super) struct Scene {
    pub(super) fleet: Fleet,
    pub(super) held: BTreeMap<ShardId, Held>,
    pub(super) accepting: bool,
    pub(super) draining: bool,
    pub(super) hurried: bool,
    pub(super) ready: bool,
    pub(super) alone: bool,
    dead: Vec<ConnectorId>,
}

impl Scene {
    /// Connectors 1 to `connectors`; the owners of the shards by number, 0 for none. What
    /// connector 1 owns it has.
    pub(super) fn new(connectors: u128, owners: &[u128]) -> Self {
        let row = |number| ConnectorRow {
            id: id(number),
            rvn: Rvn::from_uuid(Uuid::from_u128(number)),
            accepting: true,
            drain_requested: false,
            instances: 0,
            open: 0,
            started_at: UnixMs(0),
            renewed_at: UnixMs(0),
        };
        let shards = (0..).zip(owners).map(|(shard, owner)| ShardRow {
            epoch: Epoch(1),
            owner: (*owner > 0).then(|| id(*owner)),
            ..ShardRow::fresh(ShardId(shard))
        });
        let mut scene = Self {
            fleet: Fleet {
                connectors: (1..=connectors).map(row).collect(),
                shards: shards.collect(),
            },
            held: BTreeMap::new(),
            accepting: true,
            draining: false,
            hurried: false,
            ready: true,
            alone: false,
            dead: Vec::new(),
        };
        for shard in scene.owned_by(1) {
            scene.held.insert(shard, Held::Running(Epoch(1)));
        }
        scene
    }

    pub(super) fn dead(mut self, number: u128) -> Self {
        self.dead.push(id(number));
        self
    }

    pub(super) fn not_accepting(mut self, number: u128) -> Self {
        self.fleet.connectors[usize::try_from(number).unwrap() - 1].accepting = false;
        self.accepting &= number != 1;
        self
    }

    pub(super) fn draining(mut self) -> Self {
        self.draining = true;
        self.not_accepting(1)
    }

    pub(super) fn wanted(mut self, shard: usize, by: u128) -> Self {
        self.fleet.shards[shard].wanted_by = Some(id(by));
        self
    }

    pub(super) fn held(mut self, shard: u16, held: Option<Held>) -> Self {
        match held {
            Some(held) => self.held.insert(ShardId(shard), held),
            None => self.held.remove(&ShardId(shard)),
        };
        self
    }

    pub(super) fn owned_by(&self, number: u128) -> Vec<ShardId> {
        let owned = self
            .fleet
            .shards
            .iter()
            .filter(|row| row.owner == Some(id(number)));
        owned.map(|row| row.shard).collect()
    }

    pub(super) fn seen(&self, shard: usize) -> ShardRow {
        self.fleet.shards[shard].clone()
    }

    /// What connector 1 does.
    pub(super) fn decide(&self) -> Vec<Action> {
        let observer = self.observer();
        decide(&Situation {
            me: id(1),
            shards: u16::try_from(self.fleet.shards.len()).unwrap(),
            fleet: &self.fleet,
            observer: &observer,
            held: &self.held,
            accepting: self.accepting,
            draining: self.draining,
            hurried: self.hurried,
            ready: self.ready,
            alone: self.alone,
        })
    }

    /// Has looked for one whole lease, in which all but the dead have renewed.
    pub(super) fn observer(&self) -> Observer {
        let times = LeaseTimes::default();
        let mut observer = Observer::new();
        for second in (0..=12).step_by(3) {
            let mut then = self.fleet.clone();
            let living = then.connectors.iter_mut();
            for row in living.filter(|row| second < 12 && !self.dead.contains(&row.id)) {
                row.rvn = Rvn::random();
            }
            let now = Moment(Duration::from_secs(second));
            observer.observe(&times, now, now, &then);
        }
        observer
    }
}
