//! Instances that leave for another deployment, or arrive from one.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use pombal_domain::time::UnixMs;
use pombal_domain::{
    ConnectionState, Desired, Instance, InstanceId, Observed, StatusReason, Tombstone,
};

use super::instances::taken;
use super::row::{json, names, number, plain};
use super::shards::{read_tombstone, tombstone_item, tombstone_key};
use super::transact::Cancelled;
use super::updates::conditional;
use super::{Error, Registry};

impl Registry {
    /// Marks an instance as moved away: closed, and no wish of it is taken any more.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the instance was deleted or wished otherwise since it was
    /// read; [`Error::Storage`].
    pub async fn mark_moved(&self, instance: &Instance) -> Result<(), Error> {
        let generation = instance.generation + 1;
        let observed = Observed {
            state: ConnectionState::Close,
            reason: StatusReason(200),
            generation,
            qr: None,
            ..instance.observed.clone()
        };
        let update = self
            .update(&instance.name, instance.id)
            .condition_expression("#id = :id AND #generation = :seen")
            .update_expression(
                "SET #desired = :moved, #generation = :generation, #observed = :observed, \
                 #updated_at = :now",
            )
            .set_expression_attribute_names(Some(names(&[
                "id",
                "desired",
                "generation",
                "observed",
                "updated_at",
            ])))
            .expression_attribute_values(":seen", number(instance.generation))
            .expression_attribute_values(":moved", plain(&Desired::Moved)?)
            .expression_attribute_values(":generation", number(generation))
            .expression_attribute_values(":observed", json(&observed)?)
            .expression_attribute_values(":now", number(UnixMs::now().0));
        conditional(update)
            .await?
            .map(|_| ())
            .ok_or(Error::Conflict)
    }

    /// What stays of the instance with this id, if it was deleted and not wiped yet.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn tombstone(&self, id: InstanceId) -> Result<Option<Tombstone>, Error> {
        let item = self.item(tombstone_key(id)).await?;
        item.as_ref().map(read_tombstone).transpose()
    }

    /// Puts a tombstone for an instance that is about to arrive: should its arrival break off,
    /// the shard's owner wipes the rows that are there by then.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn announce_arrival(&self, tombstone: &Tombstone) -> Result<(), Error> {
        self.client
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(tombstone_item(tombstone)))
            .send()
            .await
            .map_err(Error::storage)?;
        Ok(())
    }

    /// Adds an instance whose rows have arrived and removes the tombstone that announced it,
    /// in one transaction.
    ///
    /// # Errors
    /// [`Error::NameTaken`], [`Error::TokenTaken`]; [`Error::Conflict`] when the tombstone is
    /// gone, and with it the rows; [`Error::Storage`].
    pub async fn finish_arrival(&self, instance: &Instance) -> Result<(), Error> {
        let tombstone = Delete::builder()
            .table_name(&*self.table)
            .set_key(Some(tombstone_key(instance.id)))
            .condition_expression("attribute_exists(#pk)")
            .set_expression_attribute_names(Some(names(&["pk"])))
            .build()
            .map_err(Error::storage)?;
        let mut writes = self.creation(instance)?;
        writes.push(TransactWriteItem::builder().delete(tombstone).build());
        match self.transact(writes).await {
            Ok(()) => Ok(()),
            Err(Cancelled::Conditions(failed)) => Err(taken(&failed)),
            Err(Cancelled::Other(error)) => Err(error),
        }
    }
}
