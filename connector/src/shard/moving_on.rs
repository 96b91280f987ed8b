//! What the owner of a shard does about an instance that changes shards.

use std::sync::Arc;

use pombal_domain::{Chain, Instance};
use tokio_util::sync::CancellationToken;

use super::departure::Departure;
use super::{Error, Shard};

impl Shard {
    /// Takes an instance in, or hands it over, or both, as its row says. Then it runs here, or
    /// lives elsewhere.
    pub(super) async fn move_on(self: Arc<Self>, row: Instance, stop: CancellationToken) {
        if let Err(error) = self.try_to_move_on(&row, &stop).await {
            self.not_started(&row, &error).await;
        }
    }

    async fn try_to_move_on(&self, row: &Instance, stop: &CancellationToken) -> Result<(), Error> {
        if row.transit.arriving.is_some() {
            self.arrive(row).await?;
        }
        if self.known(row.id).await.is_some() {
            // What its user wants comes first.
            self.supervise(row.clone()).await?;
        }
        let departure = self.depart(row, stop).await.unwrap_or_else(|error| {
            tracing::warn!(instance.id = %row.id, error = %Chain(&error), "instance not moved yet");
            Departure::Stays
        });
        if departure == Departure::Gone || stop.is_cancelled() {
            return Ok(());
        }
        self.supervise(row.clone()).await
    }
}
