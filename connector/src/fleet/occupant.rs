//! The task of one shard: opens it and serves it until it is given away or lost.

use std::sync::Arc;
use std::time::Duration;

use pombal_domain::{Epoch, ShardId};
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

use crate::damage;
use crate::health::Concern;
use crate::service::Connector;
use crate::shard::{Error, Place, Shard};

/// How a shard's task has ended.
pub(super) struct Ended {
    pub(super) shard: ShardId,
    pub(super) epoch: Epoch,
    /// Ok: it was closed in order, as it was told.
    pub(super) result: Result<(), Error>,
    /// How long it was served.
    pub(super) served: Duration,
}

/// What a shard's task is given.
pub(super) struct Occupant {
    pub(super) connector: Arc<Connector>,
    pub(super) place: Place,
    pub(super) drain: CancellationToken,
}

impl Occupant {
    /// Serves the shard until it is told to close it, or has lost it.
    pub(super) async fn stay(self) -> Ended {
        let mut served = Duration::ZERO;
        let mut result = self.serve(&mut served).await;
        if matches!(result, Err(Error::Damaged)) {
            result = self.leave_alone().await;
        }
        let concern = Concern::Sessions(self.place.shard);
        match &result {
            // Nobody's fault.
            Ok(()) | Err(Error::Lapsed | Error::Fenced) => self.connector.health.fine(concern),
            Err(_) => self.connector.health.failed(concern),
        }
        Ended {
            shard: self.place.shard,
            epoch: self.place.epoch,
            result,
            served,
        }
    }

    async fn serve(&self, served: &mut Duration) -> Result<(), Error> {
        let began = Instant::now();
        let connector = &self.connector;
        let opening = Shard::open(connector, self.place.clone());
        let shard = tokio::select! {
            opened = opening => opened?,
            () = self.place.tenure.ended() => return Err(Error::Lapsed),
            () = self.drain.cancelled() => return Ok(()),
        };
        tracing::info!(
            event = "shard.acquired",
            shard = %self.place.shard,
            epoch = %self.place.epoch,
            open_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "shard acquired"
        );
        let opened = Instant::now();
        let result = shard.run(self.drain.clone()).await;
        *served = opened.elapsed();
        result
    }

    /// A damaged shard stays closed until somebody has looked and this process starts again:
    /// opening it would write to it. Its instances show as closed; the other shards go on.
    async fn leave_alone(&self) -> Result<(), Error> {
        tracing::error!(shard = %self.place.shard, "shard damaged; it stays closed until a restart");
        self.connector.status.damaged(self.place.shard);
        let mut tick = interval(self.connector.options.reconcile_interval);
        loop {
            tokio::select! {
                () = self.drain.cancelled() => return Ok(()),
                () = self.place.tenure.ended() => return Err(Error::Lapsed),
                _ = tick.tick() => {
                    // Again and again: instances are created, and wishes made, in a shard that
                    // is shut.
                    damage::show_all(&self.connector.seams.registry, self.place.shard).await;
                }
            }
        }
    }
}
