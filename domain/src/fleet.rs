//! Connectors and the shards that they own, as the registry keeps them.

use crate::ids::{ConnectorId, Epoch, Rvn, ShardId};
use crate::time::UnixMs;

/// One connector, as it last described itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConnectorRow {
    /// The connector.
    pub id: ConnectorId,
    /// Rewritten with each renewal of the lease. While it changes, the connector lives.
    pub rvn: Rvn,
    /// It takes shards. One that does not is draining, or can't serve for now: others ask for
    /// what it has.
    pub accepting: bool,
    /// An operator wants it to drain.
    pub drain_requested: bool,
    /// Instances that it looks after.
    pub instances: u64,
    /// Those of them that are open.
    pub open: u64,
    /// When it started, on its own wall clock. For operators only.
    pub started_at: UnixMs,
    /// When it last renewed its lease, on its own wall clock. For operators only.
    pub renewed_at: UnixMs,
}

/// One shard.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ShardRow {
    /// The shard.
    pub shard: ShardId,
    /// How often it has changed owners. 0: nobody has ever owned it, and it has no row.
    pub epoch: Epoch,
    /// Who owns it. None: it was released, or never owned.
    pub owner: Option<ConnectorId>,
    /// Who has asked for it and waits for its release.
    pub wanted_by: Option<ConnectorId>,
    /// When owner or epoch last changed, on the wall clock of who changed it. For operators
    /// only.
    pub since: UnixMs,
}

impl ShardRow {
    /// A shard that nobody has ever owned.
    #[must_use]
    pub const fn fresh(shard: ShardId) -> Self {
        Self {
            shard,
            epoch: Epoch(0),
            owner: None,
            wanted_by: None,
            since: UnixMs(0),
        }
    }
}

/// Whom a shard is taken from: what has to hold for it when the taking is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OldOwner {
    /// Nobody, or the taker itself. The shard's row says it all.
    None,
    /// A connector whose lease is over: its row still has this `rvn`, or is still not there.
    Expired {
        /// The connector.
        id: ConnectorId,
        /// The `rvn` that did not change. None: it has no row.
        rvn: Option<Rvn>,
    },
}

/// All connectors and shards, read at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Fleet {
    /// Sorted by id.
    pub connectors: Vec<ConnectorRow>,
    /// Sorted by number. Shards that were never owned are not among them.
    pub shards: Vec<ShardRow>,
}

impl Fleet {
    /// The row of a connector.
    #[must_use]
    pub fn connector(&self, id: ConnectorId) -> Option<&ConnectorRow> {
        self.connectors.iter().find(|row| row.id == id)
    }

    /// The row of a shard, also of one that was never owned.
    #[must_use]
    pub fn shard(&self, shard: ShardId) -> ShardRow {
        let row = self.shards.iter().find(|row| row.shard == shard);
        row.cloned().unwrap_or(ShardRow::fresh(shard))
    }
}
