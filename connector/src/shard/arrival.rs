//! An instance arrives from another shard.

use std::sync::Arc;
use std::time::Duration;

use pombal_domain::{Chain, Instance, MoveId};
use pombal_sessions::Label;

use crate::shard::{Error, Shard};

/// Parcels younger than this may belong to instances that the index by id does not show yet.
const YOUNG: Duration = Duration::from_secs(3600);

impl Shard {
    /// Brings the rows of an instance that was handed over into this shard's database, unless
    /// they are there. Afterwards it may be started.
    ///
    /// # Errors
    /// [`Error::Lost`] when its parcel is missing: nothing is changed, and it must not be
    /// started. Every error of the registry, the keys, the object store and the database.
    pub(super) async fn arrive(&self, row: &Instance) -> Result<(), Error> {
        let _slot = self.transits.enter(row.id).await;
        let seams = &self.context.seams;
        let Some((row, attempt)) = self.expected(row).await? else {
            return Ok(());
        };
        let label = self.label(&row, attempt);
        let data_key = seams.keys.unwrap(row.id, &row.data_key).await?;
        let Some(parcel) = self.depot.get(label).await? else {
            // Unless a former owner of this shard has got further than we could know.
            return match self.expected(&row).await? {
                Some((_, still)) if still == attempt => Err(self.lost_parcel(label)),
                _ => Ok(()),
            };
        };
        let session = self.context.db.session(row.id, data_key);
        let rows = session.arrive(attempt, &parcel).await?;
        if !seams.registry.arrived(&row, attempt).await? {
            let now = seams.registry.instance(&row.name).await?;
            if now.is_none_or(|now| now.id != row.id) {
                // It was deleted meanwhile, and perhaps wiped before these rows were written.
                session.wipe_all().await?;
            }
        }
        tracing::info!(
            event = "instance.arrived",
            instance.id = %row.id,
            shard = %self.context.shard,
            rows.count = rows,
            "instance taken in from another shard"
        );
        self.discard(label).await;
        Ok(())
    }

    /// The row of an instance whose rows are not here yet, and the attempt that brings them.
    async fn expected(&self, row: &Instance) -> Result<Option<(Instance, MoveId)>, Error> {
        let now = self.context.seams.registry.instance(&row.name).await?;
        let now = now.filter(|now| now.id == row.id && now.shard == self.context.shard);
        Ok(now.and_then(|now| {
            let attempt = now.transit.arriving?;
            Some((now, attempt))
        }))
    }

    fn label(&self, row: &Instance, attempt: MoveId) -> Label {
        Label {
            to: self.context.shard,
            instance: row.id,
            attempt,
        }
    }

    fn lost_parcel(&self, label: Label) -> Error {
        tracing::error!(
            alarm = "session.corrupt",
            instance.id = %label.instance,
            shard = %self.context.shard,
            attempt = %label.attempt,
            "the rows of an instance that changes shards are missing; it stays closed"
        );
        Error::Lost
    }

    /// Removes parcels that nobody will open: of attempts that were given up, and of instances
    /// that have arrived or were deleted, where the process that should have done so was killed.
    pub(super) async fn sweep_parcels(self: Arc<Self>) {
        let result = async {
            for label in self.depot.older(self.context.shard, YOUNG).await? {
                let row = self.context.seams.registry.instance_by_id(label.instance);
                let needed = row.await?.is_some_and(|row| {
                    let transit = row.transit;
                    [transit.departing, transit.arriving].contains(&Some(label.attempt))
                });
                if !needed {
                    self.discard(label).await;
                }
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = result.await {
            tracing::warn!(shard = %self.context.shard, error = %Chain(&error), "parcels not swept");
        }
    }
}
