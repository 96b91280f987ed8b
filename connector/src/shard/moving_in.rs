//! The instances of a shard that was just opened: all of them are started, those with recent
//! traffic first.

use std::cmp::Reverse;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream;
use pombal_domain::time::UnixMs;
use pombal_domain::{ConnectionState, Desired, Instance};
use pombal_sessions::Session;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Error, Shard};
use crate::instance::{InstanceHandle, Start, Supervisor};

/// Instances that are started at once. Each takes a read of the registry, a data key, and reads
/// of the session database, one after the other.
const AT_ONCE: usize = 16;

/// An instance that is ready to be started.
pub(super) struct Ready {
    row: Instance,
    session: Session,
    /// When it last had an event.
    last_event_at: UnixMs,
    /// Since when it has had no socket though it wants one, as far as anybody can tell.
    away_since: Option<UnixMs>,
}

impl Shard {
    /// Starts every instance of the shard, and wipes those that were deleted.
    pub(super) async fn move_in(
        self: &Arc<Self>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let registry = &self.context.seams.registry;
        let mut content = registry.shard_content(self.context.shard).await?;
        self.bury_all(&mut content, tasks);
        let all = content.instances.into_iter();
        let (moving, staying): (Vec<_>, Vec<_>) = all.partition(|row| row.transit.is_under_way());
        for row in moving {
            // Nobody else waits for the rows of these.
            tasks.spawn(Arc::clone(self).move_on(row, stop.clone()));
        }
        let mut ready: Vec<Ready> = stream::iter(staying)
            .map(|row| async move {
                let ready = self.prepare(&row).await;
                (row, ready)
            })
            .buffer_unordered(AT_ONCE)
            .filter_map(|(row, ready)| async move {
                match ready {
                    Ok(ready) => ready.map(|ready| self.was_away(ready)),
                    Err(error) => {
                        self.not_started(&row, &error).await;
                        None
                    }
                }
            })
            .collect()
            .await;
        ready.sort_by_key(|ready| Reverse(ready.last_event_at));
        stream::iter(ready)
            .map(|ready| async move {
                let row = ready.row.clone();
                (row, self.start(ready).await)
            })
            // In this order.
            .buffered(AT_ONCE)
            .for_each(|(row, started)| async move {
                match started {
                    Ok(handle) => {
                        self.instances.lock().await.insert(row.id, handle);
                    }
                    Err(error) => self.not_started(&row, &error).await,
                }
            })
            .await;
        Ok(())
    }

    /// Reads what is needed to start an instance. `None` when it has been deleted since `row`
    /// was read, lives on another shard by now, or in another deployment, or if its rows have
    /// not arrived on this one.
    pub(super) async fn prepare(&self, row: &Instance) -> Result<Option<Ready>, Error> {
        let here = |now: &Instance| {
            now.id == row.id
                && now.shard == self.context.shard
                && now.transit.arriving.is_none()
                && now.desired != Desired::Moved
        };
        let seams = &self.context.seams;
        let Some(row) = seams.registry.instance(&row.name).await?.filter(here) else {
            return Ok(None);
        };
        let data_key = seams.keys.unwrap(row.id, &row.data_key).await?;
        let session = self.context.db.session(row.id, data_key);
        let last_event_at = session.last_event_at().await?;
        Ok(Some(Ready {
            row,
            session,
            last_event_at,
            away_since: None,
        }))
    }

    /// An instance that was open when its last owner lost or gave away the shard.
    fn was_away(&self, ready: Ready) -> Ready {
        let was_open = ready.row.observed.state == ConnectionState::Open;
        Ready {
            away_since: self.context.vacant_since.filter(|_| was_open),
            ..ready
        }
    }

    /// Starts an instance's supervisor.
    pub(super) async fn start(&self, ready: Ready) -> Result<InstanceHandle, Error> {
        let id = ready.row.id;
        let start = Start {
            context: Arc::clone(&self.context),
            row: ready.row,
            session: ready.session,
            last_event_at: ready.last_event_at,
            away_since: ready.away_since,
        };
        let handle = Supervisor::start(start, self.stop.child_token()).await?;
        self.census.enter(id, handle.live.clone());
        Ok(handle)
    }
}
