//! Deleting an instance on the condition that it is as it was seen.

use aws_sdk_dynamodb::types::Delete;
use pombal_domain::Instance;

use super::row::{MOVING_TO, instance_key, names, number, plain, text};
use super::transact::Cancelled;
use super::{Error, Registry};

impl Registry {
    /// Deletes an instance as [`Self::delete_instance`] does, if nothing has happened to it since
    /// `seen` was read: no wish, no change by a user, no event, no move. Whoever has read it from
    /// an index, which may lag, deletes nothing that has changed. The embedded adapter's file keeps
    /// what was in the row until the next sweep: who deletes many sweeps once.
    ///
    /// Returns whether it is gone, by this call or another.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn delete_untouched(&self, seen: &Instance) -> Result<bool, Error> {
        let condition = "#id = :id AND #shard = :shard AND #token_hash = :token \
                         AND #desired = :desired AND #generation = :generation \
                         AND #epoch = :epoch AND #seq = :seq AND #updated_at = :updated_at \
                         AND attribute_not_exists(#moving_to)";
        let attributes = [
            "id",
            "shard",
            "token_hash",
            "desired",
            "generation",
            "epoch",
            "seq",
            "updated_at",
            MOVING_TO,
        ];
        let row = Delete::builder()
            .set_key(Some(instance_key(&seen.name)))
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names(&attributes)))
            .expression_attribute_values(":id", text(seen.id.to_string()))
            .expression_attribute_values(":shard", number(seen.shard.0))
            .expression_attribute_values(":token", text(seen.token_hash.as_str()))
            .expression_attribute_values(":desired", plain(&seen.desired)?)
            .expression_attribute_values(":generation", number(seen.generation))
            .expression_attribute_values(":epoch", number(seen.epoch.0))
            .expression_attribute_values(":seq", number(seen.seq.0))
            .expression_attribute_values(":updated_at", number(seen.updated_at.0));
        match self.delete_with(row, seen).await {
            Ok(()) => Ok(true),
            // Ours may have been done before its answer was lost, and failed on itself then.
            Err(Cancelled::Conditions(_)) => {
                let now = self.instance(&seen.name).await?;
                Ok(now.is_none_or(|now| now.id != seen.id))
            }
            Err(Cancelled::Other(error)) => Err(error),
        }
    }
}
