//! Instances that change shards.
//!
//! An operator says where to (`moving_to`). The owner of the shard begins an attempt
//! (`departing`), stops the instance, puts its rows into an object named after the attempt, and
//! hands it over: from then on it lives on the other shard, whose owner takes the rows out of the
//! object (`arriving`). What is left on the first shard is wiped when they have arrived.
//!
//! Each attempt has an id of its own, and nothing is handed over but by the attempt that the
//! row names. So a write that arrives late, or twice, does nothing once another attempt has
//! begun or this one was abandoned.

use aws_sdk_dynamodb::types::{Put, ReturnValue, TransactWriteItem};
use pombal_domain::{
    ConnectorId, Desired, Epoch, Instance, InstanceId, InstanceName, MoveId, Remains, ShardId,
};

use super::compare_and_set::{CompareAndSet, as_seen};
use super::fleet::shard_key;
use super::row::{
    ARRIVING, DEPARTING, EPOCH_BASE, MOVING_TO, instance_key, names, number, plain, read_instance,
    text,
};
use super::shards::{LEFT_BY, read_remains, remains_item, remains_key};
use super::transact::Cancelled;
use super::updates::conditional;
use super::{Error, Registry};

/// An attempt to hand an instance over, by the owner of its shard.
#[derive(Debug, Clone, Copy)]
pub struct Handover<'a> {
    /// The instance, as it was read by this owner.
    pub instance: &'a Instance,
    /// The attempt, which [`Registry::begin_departure`] has noted.
    pub attempt: MoveId,
    /// Where to.
    pub to: ShardId,
    /// Who owns its shard.
    pub owner: ConnectorId,
    /// In which epoch.
    pub epoch: Epoch,
}

impl Registry {
    /// Says that an instance is to live on the shard `to`. Saying it twice is saying it once; the
    /// newest word counts, as long as the instance was not handed over. Returns the row after it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when it lives there; [`Error::Moved`] when it
    /// lives in another deployment; [`Error::Damaged`], [`Error::Storage`].
    pub async fn ask_to_move(
        &self,
        name: &InstanceName,
        id: InstanceId,
        to: ShardId,
    ) -> Result<Instance, Error> {
        let update = self
            .update(name, id)
            .condition_expression("#id = :id AND #desired <> :moved AND #shard <> :to")
            .update_expression("SET #moving_to = :to")
            .set_expression_attribute_names(Some(names(&["id", "desired", "shard", MOVING_TO])))
            .expression_attribute_values(":moved", plain(&Desired::Moved)?)
            .expression_attribute_values(":to", number(to.0))
            .return_values(ReturnValue::AllNew);
        match conditional(update).await? {
            Some(after) => read_instance(&after.attributes.unwrap_or_default()),
            None => Err(self.why_refused(name, id).await?),
        }
    }

    /// Notes that the owner of the instance's shard begins to hand it over to `to`. An attempt
    /// before this one can't succeed any more.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the instance is not on its shard any more, its rows are not
    /// there yet, or it is not to go to `to`; [`Error::Storage`].
    pub async fn begin_departure(
        &self,
        instance: &Instance,
        to: ShardId,
        attempt: MoveId,
    ) -> Result<(), Error> {
        let write = CompareAndSet::new(
            [
                ("id", Some(text(instance.id.to_string()))),
                ("shard", Some(number(instance.shard.0))),
                (MOVING_TO, Some(number(to.0))),
                (ARRIVING, None),
                ("desired", Some(plain(&instance.desired)?)),
            ],
            [(DEPARTING, Some(text(attempt.to_string())))],
        );
        let done = self.change_instance(&instance.name, write).await?;
        done.then_some(()).ok_or(Error::Conflict)
    }

    /// Notes that nothing comes of an attempt. True: it was the newest one, and nothing was
    /// handed over by it or ever will be. False: it was not, because it has succeeded, or
    /// another one has begun, or the instance was deleted.
    ///
    /// # Errors
    /// [`Error::Storage`]: it may succeed yet.
    pub async fn abandon_departure(
        &self,
        instance: &Instance,
        attempt: MoveId,
    ) -> Result<bool, Error> {
        let write = CompareAndSet::new(
            [
                ("id", Some(text(instance.id.to_string()))),
                ("shard", Some(number(instance.shard.0))),
                (DEPARTING, Some(text(attempt.to_string()))),
            ],
            [(DEPARTING, None)],
        );
        self.change_instance(&instance.name, write).await
    }

    /// Hands an instance over: from now on it lives on the shard `to`, with its rows in the
    /// attempt's object, and what it leaves is to be wiped. One transaction, under the
    /// conditions that its owner still owns its shard, that the attempt is the newest, that it is
    /// still to go there, and that nothing of an earlier stay is left there.
    ///
    /// # Errors
    /// [`Error::Conflict`] when a condition does not hold, which it also does not when this was
    /// done before; [`Error::Storage`]: it may have been done, or still be.
    pub async fn hand_over(&self, handover: Handover<'_>) -> Result<(), Error> {
        let Handover { instance, .. } = handover;
        let remains = Put::builder()
            .table_name(&*self.table)
            .set_item(Some(remains_item(&Remains {
                id: instance.id,
                name: instance.name.clone(),
                shard: instance.shard,
                left_by: handover.attempt,
            })))
            .build()
            .map_err(Error::storage)?;
        let writes = vec![
            self.resettling(handover)?,
            TransactWriteItem::builder().put(remains).build(),
            self.nothing_left_on(instance.id, handover.to)?,
            self.still_owned(handover)?,
        ];
        self.transact(writes)
            .await
            .map_err(|cancelled| match cancelled {
                Cancelled::Conditions(_) => Error::Conflict,
                Cancelled::Other(error) => error,
            })
    }

    /// Notes that an instance's rows are durable in the database of its shard. From now on the
    /// attempt's object is worth nothing.
    ///
    /// False: they were to arrive by another attempt, or not at all.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn arrived(&self, instance: &Instance, attempt: MoveId) -> Result<bool, Error> {
        let write = CompareAndSet::new(
            [
                ("id", Some(text(instance.id.to_string()))),
                ("shard", Some(number(instance.shard.0))),
                (ARRIVING, Some(text(attempt.to_string()))),
            ],
            [(ARRIVING, None)],
        );
        self.change_instance(&instance.name, write).await
    }

    /// What an instance has left on a shard that it does not live on any more: one consistent
    /// read.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn remains(&self, id: InstanceId, shard: ShardId) -> Result<Option<Remains>, Error> {
        let item = self.item(remains_key(id, shard)).await?;
        item.as_ref().map(read_remains).transpose()
    }

    /// Forgets remains, once they are wiped. Forgetting twice is no error, and remains of a
    /// later stay are left.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn remove_remains(&self, remains: &Remains) -> Result<(), Error> {
        let (condition, values) = as_seen([(LEFT_BY, Some(text(remains.left_by.to_string())))]);
        let removed = self
            .client
            .delete_item()
            .table_name(&*self.table)
            .set_key(Some(remains_key(remains.id, remains.shard)))
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names(&[LEFT_BY])))
            .set_expression_attribute_values(Some(values))
            .send()
            .await;
        match removed {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(())
            }
            Err(error) => Err(Error::storage(error)),
        }
    }

    /// Writes an instance's row; false when its condition does not hold.
    async fn change_instance(
        &self,
        name: &InstanceName,
        write: CompareAndSet,
    ) -> Result<bool, Error> {
        let update = self.compare_and_set(instance_key(name), write);
        Ok(conditional(update).await?.is_some())
    }

    fn resettling(&self, handover: Handover<'_>) -> Result<TransactWriteItem, Error> {
        let Handover { instance, to, .. } = handover;
        let attempt = || Some(text(handover.attempt.to_string()));
        let base = instance.transit.epoch(handover.epoch);
        let write = CompareAndSet::new(
            [
                ("id", Some(text(instance.id.to_string()))),
                ("shard", Some(number(instance.shard.0))),
                (MOVING_TO, Some(number(to.0))),
                (DEPARTING, attempt()),
                (ARRIVING, None),
            ],
            [
                ("shard", Some(number(to.0))),
                (MOVING_TO, None),
                (DEPARTING, None),
                (ARRIVING, attempt()),
                (EPOCH_BASE, Some(number(base.0))),
            ],
        );
        self.comparing_and_setting(instance_key(&instance.name), write)
    }

    fn nothing_left_on(&self, id: InstanceId, shard: ShardId) -> Result<TransactWriteItem, Error> {
        self.comparing(remains_key(id, shard), [("pk", None)])
    }

    /// Fails a transaction of somebody who was the owner once: the rows that it has seen may be
    /// old ones.
    fn still_owned(&self, handover: Handover<'_>) -> Result<TransactWriteItem, Error> {
        let seen = [
            ("owner", Some(text(handover.owner.to_string()))),
            ("epoch", Some(number(handover.epoch.0))),
        ];
        self.comparing(shard_key(handover.instance.shard), seen)
    }
}
