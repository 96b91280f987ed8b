//! The storage of a deployment, without anything that runs on it.

use std::error::Error;
use std::sync::Arc;

use pombal_domain::{Instance, ShardId, Tombstone};
use pombal_sessions::{Session, ShardDb, ShardDbOptions};
use pombal_store::keys::file::FileKeys;
use pombal_store::{DataKey, Registry, keys, registry};

use crate::data_dir::{self, DataDir};

/// Registry, keys and session databases of a locked data directory.
pub(super) struct Storage {
    pub(super) registry: Registry,
    pub(super) keys: FileKeys,
    data: DataDir,
}

impl Storage {
    pub(super) async fn open(data: DataDir) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            registry: registry::embedded::open(data.join(data_dir::REGISTRY)).await?,
            keys: FileKeys::open(data.join(data_dir::MASTER_KEY))?,
            data,
        })
    }

    /// The shards that a server runs, of `count`: those that had an owner before. On storage
    /// that no server has used yet, all of them.
    pub(super) async fn shards(&self, count: u16) -> Result<Vec<ShardId>, registry::Error> {
        let fleet = self.registry.fleet().await?;
        let before = fleet.shards.iter().map(|row| row.shard);
        let owned: Vec<_> = before.filter(|shard| shard.0 < count).collect();
        let all = (0..count).map(ShardId);
        Ok(if owned.is_empty() {
            all.collect()
        } else {
            owned
        })
    }

    /// Opens the session database of a shard.
    pub(super) async fn shard(&self, shard: ShardId) -> Result<ShardDb, Box<dyn Error>> {
        let store = pombal_sessions::local_store(self.data.join(data_dir::SESSIONS))?;
        let options = ShardDbOptions::local(Arc::clone(&store), data_dir::SESSIONS_ROOT, shard);
        Ok(Box::pin(ShardDb::open(options)).await?)
    }

    /// The session of an instance, and the database to close afterwards.
    pub(super) async fn session(
        &self,
        row: &Instance,
        key: DataKey,
    ) -> Result<(ShardDb, Session), Box<dyn Error>> {
        let db = self.shard(row.shard).await?;
        let session = db.session(row.id, key);
        Ok((db, session))
    }

    /// Does what a shard's owner does with a tombstone: wipes the rows, whose key is gone.
    pub(super) async fn bury(&self, tombstone: &Tombstone) -> Result<(), Box<dyn Error>> {
        let db = self.shard(tombstone.shard).await?;
        let no_key = fresh_key()?;
        db.session(tombstone.id, no_key).wipe_all().await?;
        db.close().await?;
        self.registry.remove_tombstone(tombstone).await?;
        Ok(())
    }
}

/// A data key that nothing was sealed under yet.
pub(super) fn fresh_key() -> Result<DataKey, keys::Error> {
    DataKey::random().map_err(|_| keys::Error::Random)
}
