//! The connector service: takes its shards and runs them until it is told to drain.

use std::sync::Arc;

use pombal_domain::{Chain, ConnectorId, ShardId};
use tokio::task::JoinSet;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use crate::damage;
use crate::options::{ConnectorOptions, Seams};
use crate::pacing::{Backoff, Pacing};
use crate::shard::{self, Shard};
use crate::status::Status;
use crate::whatsapp::client::Clients;

/// The connector can't go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be made")]
    Http(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A shard was lost to another process.
    #[error("shard {shard} was lost")]
    ShardLost {
        /// The shard.
        shard: ShardId,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A task of the connector panicked.
    #[error("a shard's task failed")]
    Task(#[source] tokio::task::JoinError),
}

/// Owns every shard that it has a command queue for.
///
/// In one process nobody else wants them. Leases and handover between processes build on the
/// same epochs and fences.
pub struct Connector {
    me: ConnectorId,
    options: ConnectorOptions,
    seams: Seams,
    clients: Clients,
    pacing: Arc<Pacing>,
    status: Status,
}

impl Connector {
    /// A connector that has taken nothing yet.
    ///
    /// # Errors
    /// [`Error::Http`].
    pub fn new(options: ConnectorOptions, seams: Seams) -> Result<Self, Error> {
        let clients = Clients::new(&options).map_err(|error| Error::Http(error.into()))?;
        let pacing = Arc::new(Pacing::new(options.logins_per_second));
        Ok(Self {
            me: ConnectorId::random(),
            options,
            seams,
            clients,
            pacing,
            status: Status::default(),
        })
    }

    /// Tells what the connector is doing, while it runs and afterwards.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.clone()
    }

    /// Runs until `drain` is cancelled: then commands in flight are finished, sockets closed
    /// (devices stay linked) and shards released.
    ///
    /// # Errors
    /// [`Error::ShardLost`] when another process took a shard. All others are drained first.
    pub async fn run(self, drain: CancellationToken) -> Result<(), Error> {
        let connector = Arc::new(self);
        let owned = connector.seams.commands.keys().copied();
        connector.status.runs(owned, drain.clone());
        let mut shards = JoinSet::new();
        for &shard in connector.seams.commands.keys() {
            let connector = Arc::clone(&connector);
            let drain = drain.child_token();
            shards.spawn(async move { connector.keep(shard, drain).await });
        }
        let mut result = Ok(());
        while let Some(ended) = shards.join_next().await {
            let ended = ended.unwrap_or_else(|error| Err(Error::Task(error)));
            if ended.is_err() && result.is_ok() {
                result = ended;
                drain.cancel();
            }
        }
        result
    }

    /// Keeps one shard: opens it, and opens it again when its database failed.
    async fn keep(&self, shard: ShardId, drain: CancellationToken) -> Result<(), Error> {
        let mut backoff = Backoff::default();
        loop {
            let error = match self.open(shard).await {
                Ok(open) => {
                    backoff.reset();
                    self.status.serving(shard, open.census());
                    match open.run(drain.clone()).await {
                        Ok(()) => {
                            self.status.released(shard);
                            return Ok(());
                        }
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            self.status.down(shard);
            if matches!(error, shard::Error::Fenced) {
                return Err(Error::ShardLost {
                    shard,
                    source: Box::new(error),
                });
            }
            if matches!(error, shard::Error::Damaged) {
                self.leave_alone(shard, &drain).await;
                return Ok(());
            }
            tracing::error!(%shard, error = %Chain(&error), "shard down; opening it again");
            tokio::select! {
                () = drain.cancelled() => return Ok(()),
                () = tokio::time::sleep(backoff.next()) => {}
            }
        }
    }

    /// A damaged shard stays closed until somebody has looked and this process starts again:
    /// opening it would write to it. Its instances show as closed; the other shards go on.
    async fn leave_alone(&self, shard: ShardId, drain: &CancellationToken) {
        tracing::error!(%shard, "shard damaged; it stays closed until a restart");
        self.status.damaged(shard);
        let mut tick = interval(self.options.reconcile_interval);
        while drain.run_until_cancelled(tick.tick()).await.is_some() {
            // Again and again: instances are created, and wishes made, in a shard that is shut.
            damage::show_all(&self.seams.registry, shard).await;
        }
    }

    async fn open(&self, shard: ShardId) -> Result<Arc<Shard>, shard::Error> {
        Shard::open(
            self.me,
            shard,
            self.seams.clone(),
            self.options.clone(),
            self.clients.clone(),
            Arc::clone(&self.pacing),
        )
        .await
    }
}
