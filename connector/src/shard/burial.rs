//! Rows that nobody needs any more: of deleted instances, and of those that have left.

use std::sync::Arc;

use pombal_domain::{Chain, InstanceId, Remains, Tombstone};
use pombal_store::registry::ShardContent;
use pombal_store::{DataKey, keys};
use tokio_util::task::TaskTracker;

use crate::instance::Mail;
use crate::shard::{Error, Shard};

impl Shard {
    /// Wipes what is to be wiped. Unlinking takes its time, and must not keep the living from
    /// running.
    pub(super) fn bury_all(self: &Arc<Self>, content: &mut ShardContent, tasks: &TaskTracker) {
        for tombstone in content.tombstones.drain(..) {
            let shard = Arc::clone(self);
            tasks.spawn(async move {
                let id = tombstone.id;
                if let Err(error) = shard.bury(tombstone).await {
                    tracing::warn!(instance.id = %id, error = %Chain(&error), "not deleted yet");
                }
            });
        }
        for remains in content.remains.drain(..) {
            let shard = Arc::clone(self);
            tasks.spawn(async move {
                let id = remains.id;
                if let Err(error) = shard.clear(id).await {
                    tracing::warn!(instance.id = %id, error = %Chain(&error), "not cleared yet");
                }
            });
        }
    }

    /// Unlinks and wipes a deleted instance, then removes its tombstone.
    pub(super) async fn bury(&self, tombstone: Tombstone) -> Result<(), Error> {
        let id = tombstone.id;
        let _slot = self.transits.enter(id).await;
        // Kept in the map meanwhile, so that nobody else wipes under the supervisor's feet.
        let handle = self.instances.lock().await.get(&id).cloned();
        let told = match &handle {
            Some(handle) => handle.tell(|done| Mail::Delete { done }).await,
            None => false,
        };
        if !told {
            self.wipe(id).await?;
        }
        self.instances.lock().await.remove(&id);
        let registry = &self.context.seams.registry;
        registry.remove_tombstone(&tombstone).await?;
        tracing::info!(instance.id = %id, "deleted");
        Ok(())
    }

    /// Wipes what an instance has left here that lives on another shard and has arrived there,
    /// if there is any such thing.
    pub(super) async fn clear(&self, id: InstanceId) -> Result<(), Error> {
        let _slot = self.transits.enter(id).await;
        let registry = &self.context.seams.registry;
        // Read now: it can't come back here while this is there, and may be back otherwise.
        let Some(remains) = registry.remains(id, self.context.shard).await? else {
            return Ok(());
        };
        if !self.is_spent(&remains).await? {
            return Ok(());
        }
        self.wipe(id).await?;
        registry.remove_remains(&remains).await?;
        tracing::info!(instance.id = %id, shard = %self.context.shard, "cleared what it left");
        Ok(())
    }

    /// Whether nobody can need what an instance has left. Until its rows have arrived, they are
    /// only in the parcel and here.
    async fn is_spent(&self, remains: &Remains) -> Result<bool, Error> {
        let row = self.context.seams.registry.instance(&remains.name).await?;
        let Some(row) = row.filter(|row| row.id == remains.id) else {
            return Ok(true);
        };
        if row.shard == self.context.shard {
            tracing::error!(instance.id = %row.id, "it lives where it has left; nothing is wiped");
            return Ok(false);
        }
        Ok(row.transit.arriving != Some(remains.left_by))
    }

    /// Removes every row of an instance, without its key.
    async fn wipe(&self, id: InstanceId) -> Result<(), Error> {
        let no_key = DataKey::random().map_err(|_| keys::Error::Random)?;
        Ok(self.context.db.session(id, no_key).wipe_all().await?)
    }
}
