//! A shard that this connector owns.

mod commands;
mod texts;

use std::collections::HashMap;
use std::sync::Arc;

use pombal_domain::{ConnectorId, Epoch, Instance, InstanceId, ShardId, Tombstone};
use pombal_sessions::{Closed, ShardDb, ShardDbOptions};
use pombal_store::{DataKey, Queue, keys, registry};
use tokio::sync::Mutex;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::instance::{self, InstanceHandle, Mail, Supervisor};
use crate::options::{ConnectorOptions, Seams};
use crate::pacing::Pacing;
use crate::whatsapp::client::Clients;

/// A shard can't be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the registry failed")]
    Registry(#[from] registry::Error),
    #[error("the session database failed")]
    Sessions(#[from] pombal_sessions::Error),
    #[error("the data key of an instance can't be had")]
    Keys(#[from] keys::Error),
    #[error("an instance could not be started")]
    Instance(#[from] instance::Error),
    /// Another process has opened the shard. It must not be touched any more.
    #[error("another connector has taken the shard")]
    Fenced,
    /// The session database ended after a failure. It may be opened again.
    #[error("the session database of the shard is dead")]
    Dead,
    #[error("the shard has no command queue")]
    NoQueue,
}

/// What all tasks of a shard share.
pub(crate) struct Context {
    pub(crate) me: ConnectorId,
    pub(crate) shard: ShardId,
    pub(crate) epoch: Epoch,
    pub(crate) db: ShardDb,
    pub(crate) seams: Seams,
    pub(crate) options: ConnectorOptions,
    pub(crate) clients: Clients,
    pub(crate) pacing: Arc<Pacing>,
}

impl Context {
    /// Whether the registry still names us as the owner. When it can't be asked: no.
    pub(crate) async fn still_ours(&self) -> bool {
        let owner = self.seams.registry.shard_owner(self.shard).await;
        matches!(owner, Ok(Some(owner)) if owner.owner == self.me && owner.epoch == self.epoch)
    }
}

/// A shard that was taken and opened.
pub(crate) struct Shard {
    context: Arc<Context>,
    queue: Arc<dyn Queue>,
    instances: Mutex<HashMap<InstanceId, InstanceHandle>>,
    /// Stops everything that writes, at the very end.
    stop: CancellationToken,
}

impl Shard {
    /// Takes the shard in the registry and opens its session database, which fences any
    /// writer before us.
    pub(crate) async fn open(
        me: ConnectorId,
        shard: ShardId,
        seams: Seams,
        options: ConnectorOptions,
        clients: Clients,
        pacing: Arc<Pacing>,
    ) -> Result<Arc<Self>, Error> {
        let queue = seams.commands.get(&shard).cloned().ok_or(Error::NoQueue)?;
        let seen = seams.registry.shard_owner(shard).await?;
        let epoch = seams.registry.take_shard(shard, me, seen).await?;
        let db = ShardDb::open(ShardDbOptions {
            commit_interval: options.commit_interval,
            ..ShardDbOptions::local(Arc::clone(&seams.sessions), &seams.sessions_root, shard)
        })
        .await?;
        tracing::info!(%shard, %epoch, "shard taken");
        let context = Context {
            me,
            shard,
            epoch,
            db,
            seams,
            options,
            clients,
            pacing,
        };
        Ok(Arc::new(Self {
            context: Arc::new(context),
            queue,
            instances: Mutex::default(),
            stop: CancellationToken::new(),
        }))
    }

    /// Runs the shard until `drain` is cancelled, or it is lost.
    pub(crate) async fn run(self: Arc<Self>, drain: CancellationToken) -> Result<(), Error> {
        let result = self.serve(&drain).await;
        if matches!(result, Err(Error::Fenced)) {
            // Somebody else's sockets may open any moment: ours go first.
            tracing::error!(shard = %self.context.shard, "fenced: dropping the shard");
        }
        self.hang_up_all().await;
        self.stop.cancel();
        if let Err(error) = self.context.db.close().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(shard = %self.context.shard, error, "session database not closed");
        }
        result
    }

    async fn serve(self: &Arc<Self>, drain: &CancellationToken) -> Result<(), Error> {
        self.reconcile().await?;
        let tasks = TaskTracker::new();
        let receiving = drain.child_token();
        let consumer = tokio::spawn(Arc::clone(self).consume(tasks.clone(), receiving.clone()));
        let mut tick = interval(self.context.options.reconcile_interval);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick.tick().await;
        let result = loop {
            tokio::select! {
                () = drain.cancelled() => break Ok(()),
                closed = self.context.db.closed() => break Err(match closed {
                    Closed::Fenced => Error::Fenced,
                    _ => Error::Dead,
                }),
                _ = tick.tick() => {
                    if let Err(error) = self.reconcile().await {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(shard = %self.context.shard, error, "not reconciled");
                    }
                }
            }
        };
        receiving.cancel();
        tasks.close();
        if timeout(self.context.options.drain_timeout, tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(shard = %self.context.shard, "commands in flight were cut off");
        }
        consumer.abort();
        result
    }

    /// Makes every instance of the shard as its row says, and wipes those that were deleted.
    async fn reconcile(&self) -> Result<(), Error> {
        let content = self
            .context
            .seams
            .registry
            .shard_content(self.context.shard)
            .await?;
        for tombstone in content.tombstones {
            self.bury(tombstone).await?;
        }
        for row in content.instances {
            let id = row.id;
            if let Err(error) = self.supervise(row).await {
                // One broken instance must not keep its neighbours from running.
                let error = &error as &dyn std::error::Error;
                tracing::error!(instance.id = %id, error, "instance not started");
            }
        }
        Ok(())
    }

    /// Gives `row` to the instance's supervisor, or starts one with it.
    async fn supervise(&self, row: Instance) -> Result<(), Error> {
        let (handle, fresh) = self.handle(&row).await?;
        if !fresh {
            let (done, _) = tokio::sync::oneshot::channel();
            // Fails when the supervisor has just ended: the next round starts a new one.
            let _ = handle
                .mailbox
                .send(Mail::Reconcile {
                    row: Box::new(row),
                    done,
                })
                .await;
        }
        Ok(())
    }

    /// The supervisor of `row`'s instance, and whether it was started just now.
    async fn handle(&self, row: &Instance) -> Result<(InstanceHandle, bool), Error> {
        let mut instances = self.instances.lock().await;
        if let Some(handle) = instances.get(&row.id)
            && !handle.mailbox.is_closed()
        {
            return Ok((handle.clone(), false));
        }
        let data_key = self
            .context
            .seams
            .keys
            .unwrap(row.id, &row.data_key)
            .await?;
        let session = self.context.db.session(row.id, data_key);
        let context = Arc::clone(&self.context);
        let handle =
            Supervisor::start(context, row.clone(), session, self.stop.child_token()).await?;
        instances.insert(row.id, handle.clone());
        Ok((handle, true))
    }

    /// The supervisor of a known instance.
    async fn known(&self, id: InstanceId) -> Option<InstanceHandle> {
        let instances = self.instances.lock().await;
        instances
            .get(&id)
            .filter(|handle| !handle.mailbox.is_closed())
            .cloned()
    }

    /// Unlinks and wipes a deleted instance, then removes its tombstone.
    async fn bury(&self, tombstone: Tombstone) -> Result<(), Error> {
        let handle = self.instances.lock().await.remove(&tombstone.id);
        let told = match handle {
            Some(handle) => handle.tell(|done| Mail::Delete { done }).await,
            None => false,
        };
        if !told {
            self.wipe(tombstone.id).await?;
        }
        self.context
            .seams
            .registry
            .remove_tombstone(&tombstone)
            .await?;
        tracing::info!(instance.id = %tombstone.id, "deleted");
        Ok(())
    }

    /// Removes every row of an instance whose key is gone.
    async fn wipe(&self, id: InstanceId) -> Result<(), Error> {
        let no_key = DataKey::random().map_err(|_| keys::Error::Random)?;
        Ok(self.context.db.session(id, no_key).wipe_all().await?)
    }

    async fn hang_up_all(&self) {
        let handles: Vec<_> = self
            .instances
            .lock()
            .await
            .drain()
            .map(|(_, h)| h)
            .collect();
        let goodbyes = handles
            .iter()
            .map(|handle| async { handle.tell(|done| Mail::Drain { done }).await });
        futures::future::join_all(goodbyes).await;
    }
}
