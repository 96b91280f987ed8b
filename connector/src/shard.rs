//! A shard that this connector owns.

mod arrival;
mod burial;
mod commands;
mod departure;
mod forward;
mod moving_in;
mod moving_on;
mod presence;
mod storage;
mod texts;
mod transits;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use pombal_domain::time::UnixMs;
use pombal_domain::{Chain, ConnectorId, Epoch, Instance, InstanceId, ShardId};
use pombal_sessions::{Closed, Depot, ShardDb, ShardDbOptions};
use pombal_store::{Queue, keys, queue, registry};
use tokio::sync::Mutex;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::damage;
use crate::health::{Concern, Health};
use crate::instance::{self, InstanceHandle, Mail};
use crate::options::{ConnectorOptions, Seams};
use crate::pacing::Pacing;
use crate::service::Connector;
use crate::status::{Census, Status};
use crate::tenure::Tenure;
use crate::tenure::queue::TenuredQueue;
use crate::whatsapp::client::Clients;
use transits::Transits;

/// Longest wait for all instances to close their sockets.
const HANG_UP_TIMEOUT: Duration = Duration::from_secs(4);
/// Longest wait for the session database to be flushed and closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for the session database to say why it failed.
const CLOSE_REASON_TIMEOUT: Duration = Duration::from_secs(1);

/// A shard can't be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the registry failed")]
    Registry(#[from] registry::Error),
    #[error("the session database failed")]
    Sessions(#[source] pombal_sessions::Error),
    #[error("the data key of an instance can't be had")]
    Keys(#[from] keys::Error),
    #[error("an instance could not be started")]
    Instance(#[from] instance::Error),
    /// Another process has opened the shard. It must not be touched any more.
    #[error("another connector has taken the shard")]
    Fenced,
    /// Objects of the session database are damaged. The alarm was raised where they were found.
    #[error("the session database of the shard is damaged")]
    Damaged,
    /// The session database ended after a failure. It may be opened again.
    #[error("the session database of the shard is dead")]
    Dead,
    #[error("the shard has no command queue")]
    NoQueue,
    #[error("a command queue failed")]
    Queue(#[from] queue::Error),
    #[error("a parcel with the rows of an instance can't be put or had")]
    Depot(#[from] object_store::Error),
    /// Nothing was changed. The alarm was raised where it was found.
    #[error("the rows that an instance should arrive with are missing")]
    Lost,
    /// The right to act for the shard has ended. It must not be touched any more.
    #[error("this process does not own the shard any more")]
    Lapsed,
}

impl Error {
    /// Whether an instance's stored session can't be trusted: trying again does not help.
    fn is_damage(&self) -> bool {
        match self {
            Self::Instance(error) => error.is_damage(),
            Self::Sessions(error) => error.is_damage(),
            Self::Lost => true,
            _ => false,
        }
    }
}

impl From<pombal_sessions::Error> for Error {
    fn from(error: pombal_sessions::Error) -> Self {
        match error {
            pombal_sessions::Error::Fenced { .. } => Self::Fenced,
            pombal_sessions::Error::Corrupt { .. } => Self::Damaged,
            error => Self::Sessions(error),
        }
    }
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
    pub(crate) pacing: Pacing,
    pub(crate) health: Health,
    pub(crate) status: Status,
    /// The right to act for the shard.
    pub(crate) tenure: Tenure,
    /// When somebody last served the shard before, by that one's wall clock.
    pub(crate) vacant_since: Option<UnixMs>,
    /// Cancelled by whoever finds that the session database is of no more use. Every socket of
    /// the shard is cut then.
    pub(crate) dead: CancellationToken,
}

impl Context {
    /// Whether the registry still names us as the owner. When it can't be asked, several times:
    /// no.
    pub(crate) async fn still_ours(&self) -> bool {
        for _ in 0..3 {
            if let Ok(owner) = self.seams.registry.shard_owner(self.shard).await {
                return owner.is_some_and(|o| o.owner == self.me && o.epoch == self.epoch);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        false
    }
}

/// A shard that was taken in the registry.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) shard: ShardId,
    pub(crate) epoch: Epoch,
    /// The right to act for it.
    pub(crate) tenure: Tenure,
    /// When somebody last served it, by that one's wall clock.
    pub(crate) vacant_since: Option<UnixMs>,
}

/// A shard that was taken and opened.
pub(crate) struct Shard {
    context: Arc<Context>,
    queue: Arc<dyn Queue>,
    instances: Mutex<HashMap<InstanceId, InstanceHandle>>,
    /// Instances that nobody may start just now.
    transits: Transits,
    /// Rows on their way from shard to shard.
    depot: Depot,
    census: Census,
    /// Stops everything that writes, at the very end.
    stop: CancellationToken,
}

impl Shard {
    /// Opens the session database of a shard that was taken in the registry, which fences any
    /// writer before us.
    pub(crate) async fn open(connector: &Connector, place: Place) -> Result<Arc<Self>, Error> {
        let Place {
            shard,
            epoch,
            tenure,
            vacant_since,
        } = place;
        let seams = tenured(&connector.seams, shard, &tenure)?;
        let queue = seams.commands.get(&shard).cloned().ok_or(Error::NoQueue)?;
        let depot = Depot::new(Arc::clone(&seams.sessions), &seams.sessions_root);
        let options = connector.options.clone();
        let db = ShardDb::open(ShardDbOptions {
            commit_interval: options.commit_interval,
            permit: tenure.permit(),
            ..ShardDbOptions::on(
                seams.sessions_medium,
                Arc::clone(&seams.sessions),
                &seams.sessions_root,
                shard,
            )
        })
        .await?;
        let context = Context {
            me: connector.me,
            shard,
            epoch,
            db,
            seams,
            options,
            clients: connector.clients.clone(),
            pacing: connector.pacing.clone(),
            health: connector.health.clone(),
            status: connector.status.clone(),
            tenure,
            vacant_since,
            dead: CancellationToken::new(),
        };
        Ok(Arc::new(Self {
            context: Arc::new(context),
            queue,
            instances: Mutex::default(),
            transits: Transits::default(),
            depot,
            census: Census::default(),
            stop: CancellationToken::new(),
        }))
    }

    /// Runs the shard until `drain` is cancelled, or it is lost.
    pub(crate) async fn run(self: Arc<Self>, drain: CancellationToken) -> Result<(), Error> {
        let tasks = TaskTracker::new();
        let receiving = drain.child_token();
        let result = tokio::select! {
            result = self.serve(&tasks, &receiving) => result,
            () = drain.cancelled() => Ok(()),
            lost = self.lost() => Err(lost),
            never = self.watch_storage() => match never {},
        };
        receiving.cancel();
        tasks.close();
        let cut_off = self.context.health.is_cut_off();
        let patience = if cut_off {
            Duration::ZERO
        } else {
            self.context.options.drain_timeout
        };
        if result.is_ok() && timeout(patience, tasks.wait()).await.is_err() {
            tracing::warn!(shard = %self.context.shard, "commands in flight were cut off");
        }
        if result.is_err() {
            // Somebody else's sockets may open any moment: ours go first.
            self.context.dead.cancel();
        }
        if matches!(result, Err(Error::Fenced | Error::Damaged | Error::Lapsed)) {
            self.context.tenure.cut();
            self.stop.cancel();
        }
        if timeout(HANG_UP_TIMEOUT, self.hang_up_all()).await.is_err() {
            // Supervisors wait for publishers, and those for a queue that takes nothing.
            self.stop.cancel();
            if timeout(HANG_UP_TIMEOUT, self.hang_up_all()).await.is_err() {
                tracing::error!(shard = %self.context.shard, "instances did not stop in time");
            }
        }
        self.stop.cancel();
        // What is not flushed any more is in the log, or was never confirmed.
        match timeout(CLOSE_TIMEOUT, self.context.db.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(shard = %self.context.shard, error = %Chain(&error), "session database not closed");
            }
            Err(_) => {
                tracing::warn!(shard = %self.context.shard, "session database did not close in time");
            }
        }
        result
    }

    /// Resolves when the shard can't be kept.
    async fn lost(&self) -> Error {
        let closed = tokio::select! {
            () = self.context.tenure.ended() => return Error::Lapsed,
            closed = self.context.db.closed() => closed,
            () = self.context.dead.cancelled() => {
                // A fence shows up as a failed commit first.
                match timeout(CLOSE_REASON_TIMEOUT, self.context.db.closed()).await {
                    Ok(closed) => closed,
                    Err(_) => return Error::Dead,
                }
            }
        };
        match closed {
            Closed::Fenced => Error::Fenced,
            Closed::Corrupt => Error::Damaged,
            Closed::Failed | Closed::Requested => Error::Dead,
        }
    }

    async fn serve(
        self: &Arc<Self>,
        tasks: &TaskTracker,
        receiving: &CancellationToken,
    ) -> Result<(), Error> {
        self.move_in(tasks, receiving).await?;
        tasks.spawn(Arc::clone(self).sweep_parcels());
        let (shard, census) = (self.context.shard, self.census.clone());
        self.context.status.serving(shard, census);
        self.context.health.fine(Concern::Sessions(shard));
        tasks.spawn(Arc::clone(self).consume(tasks.clone(), receiving.clone()));
        let mut tick = interval(self.context.options.reconcile_interval);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick.tick().await;
        loop {
            tick.tick().await;
            if let Err(error) = self.reconcile(tasks, receiving).await {
                tracing::warn!(shard = %self.context.shard, error = %Chain(&error), "not reconciled");
            }
        }
    }

    /// Makes every instance of the shard as its row says, and wipes those that were deleted.
    async fn reconcile(
        self: &Arc<Self>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let mut content = self
            .context
            .seams
            .registry
            .shard_content(self.context.shard)
            .await?;
        self.bury_all(&mut content, tasks);
        for row in content.instances {
            if row.transit.is_under_way() {
                tasks.spawn(Arc::clone(self).move_on(row, stop.clone()));
            } else if let Err(error) = self.supervise(row.clone()).await {
                self.not_started(&row, &error).await;
            }
        }
        Ok(())
    }

    /// One broken instance must not keep its neighbours from running.
    async fn not_started(&self, row: &Instance, error: &Error) {
        tracing::error!(instance.id = %row.id, error = %Chain(error), "instance not started");
        if error.is_damage() {
            damage::show(&self.context.seams.registry, row).await;
        }
    }

    /// Gives `row` to the instance's supervisor, or starts one with it.
    async fn supervise(&self, row: Instance) -> Result<(), Error> {
        if let Some((handle, false)) = self.handle(&row).await? {
            let (done, _) = tokio::sync::oneshot::channel();
            // Fails when the mailbox is full or the supervisor has just ended: there is a next
            // round.
            let _ = handle.mailbox.try_send(Mail::Reconcile {
                row: Box::new(row),
                done,
            });
        }
        Ok(())
    }

    /// The supervisor of `row`'s instance, and whether it was started just now. `None` when the
    /// instance has been deleted since `row` was read, lives in another deployment or on another
    /// shard, or is on its way from or to one.
    async fn handle(&self, row: &Instance) -> Result<Option<(InstanceHandle, bool)>, Error> {
        let mut instances = self.instances.lock().await;
        if let Some(handle) = instances.get(&row.id)
            && !handle.mailbox.is_closed()
        {
            return Ok(Some((handle.clone(), false)));
        }
        if self.transits.is_busy(row.id) {
            return Ok(None);
        }
        let Some(ready) = self.prepare(row).await? else {
            return Ok(None);
        };
        let handle = self.start(ready).await?;
        instances.insert(row.id, handle.clone());
        Ok(Some((handle, true)))
    }

    /// The supervisor of a known instance.
    async fn known(&self, id: InstanceId) -> Option<InstanceHandle> {
        let instances = self.instances.lock().await;
        instances
            .get(&id)
            .filter(|handle| !handle.mailbox.is_closed())
            .cloned()
    }

    async fn hang_up_all(&self) {
        let handles: Vec<_> = self.instances.lock().await.values().cloned().collect();
        let goodbyes = handles
            .iter()
            .map(|handle| async { handle.tell(|done| Mail::Drain { done }).await });
        futures::future::join_all(goodbyes).await;
    }
}

/// The outside world of one shard, which works only while the tenure lasts.
fn tenured(seams: &Seams, shard: ShardId, tenure: &Tenure) -> Result<Seams, Error> {
    if !seams.commands.contains_key(&shard) {
        return Err(Error::NoQueue);
    }
    // Commands of instances that have moved are sent on to other shards' queues.
    let commands = seams.commands.iter().map(|(shard, queue)| {
        let queue = TenuredQueue::wrap(Arc::clone(queue), tenure);
        (*shard, queue)
    });
    Ok(Seams {
        events: TenuredQueue::wrap(Arc::clone(&seams.events), tenure),
        commands: commands.collect(),
        ..seams.clone()
    })
}
