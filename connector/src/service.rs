//! The connector service: owns shards and runs them until it is told to drain.

use std::sync::Arc;

use pombal_domain::ConnectorId;
use pombal_store::registry;
use tokio_util::sync::CancellationToken;

use crate::fleet::Keeper;
use crate::health::Health;
use crate::options::{ConnectorOptions, Seams};
use crate::pacing::Pacing;
use crate::status::Status;
use crate::whatsapp::client::Clients;

/// The connector can't go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be made")]
    Http(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The connector could not take its place.
    #[error("the registry failed")]
    Registry(#[source] registry::Error),
    /// A task of the connector panicked.
    #[error("a shard's task failed")]
    Task(#[source] tokio::task::JoinError),
}

/// One connector of a fleet, or the only one of a process that is alone.
pub struct Connector {
    pub(crate) me: ConnectorId,
    pub(crate) options: ConnectorOptions,
    pub(crate) seams: Seams,
    pub(crate) clients: Clients,
    pub(crate) pacing: Pacing,
    pub(crate) status: Status,
    pub(crate) health: Health,
}

impl Connector {
    /// A connector that has taken nothing yet. Has to be called in a runtime.
    ///
    /// # Errors
    /// [`Error::Http`].
    pub fn new(options: ConnectorOptions, seams: Seams) -> Result<Self, Error> {
        let clients = Clients::new(&options).map_err(|error| Error::Http(error.into()))?;
        let pacing = Pacing::new(options.logins_per_second);
        Ok(Self {
            me: ConnectorId::random(),
            options,
            seams,
            clients,
            pacing,
            status: Status::default(),
            health: Health::default(),
        })
    }

    /// Who this connector is in its fleet.
    #[must_use]
    pub fn id(&self) -> ConnectorId {
        self.me
    }

    /// Tells what the connector is doing, while it runs and afterwards.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.clone()
    }

    /// Runs until `drain` is cancelled or an operator asks for a drain. Then its shards go to
    /// others one by one: commands in flight are finished, sockets closed (devices stay
    /// linked), shards released.
    ///
    /// A shard that is lost, or fails, is no error: it is taken again, by whoever may.
    ///
    /// # Errors
    /// [`Error::Registry`] at the start of a process that is alone; [`Error::Task`].
    pub async fn run(self, drain: CancellationToken) -> Result<(), Error> {
        let drain = drain.child_token();
        self.status.runs(drain.clone());
        Keeper::run(Arc::new(self), drain).await
    }

    /// How many shards there are in all.
    pub(crate) fn shards(&self) -> u16 {
        let last = self.seams.commands.keys().next_back();
        last.map_or(0, |last| last.0 + 1)
    }
}
