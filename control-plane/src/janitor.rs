//! What has to be done once in a while, by whoever runs it: a function every minute, or the
//! process that has everything. Several may run at once, and any may die at any moment.

mod unused;

pub use unused::Unused;

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt, TryStreamExt};
use pombal_domain::time::UnixMs;
use pombal_domain::{Chain, InstanceId, ShardId};
use pombal_store::queue::large::Bodies;
use pombal_store::{Media, Queue, Registry, media, registry};
use tokio::time::Instant;

use crate::delivery::{self, Waiting};

/// An owner buries within seconds. After this long, nobody does.
const UNBURIED: Duration = Duration::from_secs(600);
/// How often media are looked through: a listing and a read per instance cost money.
const MEDIA_EVERY: Duration = Duration::from_secs(3600);
/// Media younger than this stay: the index in which instances are looked up may lag.
const YOUNG: Duration = Duration::from_secs(3600);
/// Instances looked up at once.
const AT_ONCE: usize = 8;

/// Cleans up.
pub struct Janitor {
    registry: Registry,
    media: Arc<dyn Media>,
    waiting: Waiting,
    shards: u16,
    unused: Option<Unused>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Letters that were due and lie in the queue now.
    pub letters: usize,
    /// Instances that nobody used, and which are gone now.
    pub unused: usize,
    /// Rows whose time was over. On AWS the table removes them by itself.
    pub rows: usize,
    /// Deleted instances whose rows nobody has wiped for ten minutes.
    pub unburied: usize,
    /// Media of instances that are gone.
    pub media: usize,
    /// Tasks that failed. They were logged, and are done the next time.
    pub failures: usize,
}

/// A task failed.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("letters not moved")]
    Letters(#[source] delivery::Error),
    #[error("registry failed")]
    Registry(#[from] registry::Error),
    #[error("media failed")]
    Media(#[from] media::Error),
}

impl Janitor {
    /// Cleans up behind a deployment of so many shards. Letters that are due go to `retries`;
    /// `bodies` has those that were too large for a row.
    #[must_use]
    pub fn new(
        registry: Registry,
        media: Arc<dyn Media>,
        retries: Arc<dyn Queue>,
        bodies: Bodies,
        shards: u16,
    ) -> Self {
        let waiting = Waiting {
            retries,
            registry: registry.clone(),
            bodies,
        };
        Self {
            registry,
            media,
            waiting,
            shards,
            unused: None,
        }
    }

    /// Has it delete instances that nobody uses, if there is a rule for that.
    #[must_use]
    pub fn deleting(self, unused: Option<Unused>) -> Self {
        Self { unused, ..self }
    }

    /// Does everything once; begins nothing after `end`. One task that fails stops no other.
    pub async fn run(&self, end: Instant) -> Report {
        let mut failures = 0;
        let mut done = |task: Result<usize, Error>| {
            task.unwrap_or_else(|error| {
                tracing::error!(error = %Chain(&error), "housekeeping failed");
                failures += 1;
                0
            })
        };
        let letters = done(self.waiting.move_due(end).await.map_err(Error::Letters));
        // Before the sweep, which leaves nothing of deleted rows in a file.
        let unused = done(self.unused(end).await);
        let rows = done(self.registry.sweep().await.map_err(Error::from));
        let unburied = done(self.unburied().await);
        let media = done(self.orphaned_media(end).await);
        Report {
            letters,
            unused,
            rows,
            unburied,
            media,
            failures,
        }
    }

    async fn unused(&self, end: Instant) -> Result<usize, Error> {
        match &self.unused {
            Some(unused) => Ok(unused.delete(&self.registry, end).await?),
            None => Ok(0),
        }
    }

    /// Reports deleted instances whose rows nobody wipes; how many they are.
    async fn unburied(&self) -> Result<usize, Error> {
        let now = UnixMs::now();
        let graves = stream::iter((0..self.shards).map(ShardId))
            .map(|shard| self.registry.graves(shard))
            .buffer_unordered(AT_ONCE)
            .try_concat()
            .await?;
        let old = graves
            .iter()
            .filter(|grave| grave.since.plus(UNBURIED) <= now);
        let (mut count, mut oldest) = (0, now);
        for grave in old {
            count += 1;
            oldest = oldest.min(grave.since);
        }
        if count > 0 {
            tracing::error!(
                tombstones.count = count,
                oldest_age_s = now.until(oldest).as_secs(),
                alarm = "tombstone.unburied",
                "nobody wipes what deleted instances have left"
            );
        }
        Ok(count)
    }

    /// Removes the media of instances that are gone; how many they were.
    async fn orphaned_media(&self, end: Instant) -> Result<usize, Error> {
        let now = UnixMs::now();
        if !self.registry.take_turn("media", MEDIA_EVERY, now).await? {
            return Ok(0);
        }
        let young = u64::try_from(YOUNG.as_millis()).unwrap_or(u64::MAX);
        let before = UnixMs(now.0.saturating_sub(young));
        stream::iter(self.media.instances().await?)
            .map(|instance| self.clean(instance, before, end))
            .buffer_unordered(AT_ONCE)
            .try_fold(0, |sum, removed| async move { Ok(sum + removed) })
            .await
    }

    async fn clean(
        &self,
        instance: InstanceId,
        before: UnixMs,
        end: Instant,
    ) -> Result<usize, Error> {
        if Instant::now() >= end || self.registry.instance_by_id(instance).await?.is_some() {
            return Ok(0);
        }
        let removed = self.media.delete_older(instance, before).await?;
        if removed > 0 {
            tracing::info!(
                instance.id = %instance,
                media.count = removed,
                "media of a deleted instance removed"
            );
        }
        Ok(removed)
    }
}
