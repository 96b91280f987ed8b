//! Who owns which shard, and how that changes.
//!
//! Every write has the condition that the shard's row is as its writer saw it. After any
//! failure the row is read again before anything is concluded: the write may have been done,
//! and a retry of the SDK, or a caller's, may have failed on it.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use pombal_domain::time::UnixMs;
use pombal_domain::{ConnectorId, Epoch, OldOwner, Rvn, ShardId, ShardRow};

use super::compare_and_set::CompareAndSet;
use super::fleet::{connector_key, read_shard, shard_key};
use super::row::{number, text};
use super::transact::Cancelled;
use super::updates::conditional;
use super::{Error, Registry};

/// Who owns a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardOwner {
    /// The owner.
    pub owner: ConnectorId,
    /// How often the shard has changed owners.
    pub epoch: Epoch,
}

impl Registry {
    /// The row of one shard, also of one that was never owned: one consistent read.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn shard(&self, shard: ShardId) -> Result<ShardRow, Error> {
        match self.item(shard_key(shard)).await? {
            Some(item) => read_shard(&item),
            None => Ok(ShardRow::fresh(shard)),
        }
    }

    /// Who owns the shard, if anybody does: one consistent read.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn shard_owner(&self, shard: ShardId) -> Result<Option<ShardOwner>, Error> {
        let row = self.shard(shard).await?;
        let epoch = row.epoch;
        Ok(row.owner.map(|owner| ShardOwner { owner, epoch }))
    }

    /// Makes `me` the owner and counts the epoch up, if the shard's owner and epoch are as
    /// `seen`, and its `old` owner is as that says. Nobody waits for the shard then. One
    /// transaction: 2 write units, 4 with an old owner. Returns the new epoch; the first is 1.
    ///
    /// # Errors
    /// [`Error::Conflict`]; [`Error::Storage`]: it may have been taken, or still be.
    pub async fn take_shard(
        &self,
        seen: &ShardRow,
        me: ConnectorId,
        old: OldOwner,
    ) -> Result<Epoch, Error> {
        let epoch = seen.epoch.next();
        let mut writes = vec![self.taking(seen, me, epoch)?];
        if let OldOwner::Expired { id, rvn } = old {
            writes.push(self.still_expired(id, rvn)?);
        }
        let sent = self.transact(writes).await;
        let sent = sent.map_err(|cancelled| match cancelled {
            Cancelled::Conditions(_) => Error::Conflict,
            Cancelled::Other(error) => error,
        });
        self.conclude(seen.shard, sent, |now| {
            now.owner == Some(me) && now.epoch == epoch
        })
        .await?;
        Ok(epoch)
    }

    /// Gives up a shard that `me` took at `epoch`. Who waits for it still does. Releasing twice
    /// is no error, until somebody takes it.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is not ours in this epoch; [`Error::Storage`]: it may have
    /// been released, or still be.
    pub async fn release_shard(
        &self,
        shard: ShardId,
        me: ConnectorId,
        epoch: Epoch,
    ) -> Result<(), Error> {
        let write = CompareAndSet::new(
            [("owner", connector(Some(me))), ("epoch", count(epoch))],
            [("owner", None), ("since", now())],
        );
        self.change(shard, write, |now| {
            now.owner.is_none() && now.epoch == epoch
        })
        .await
    }

    /// Asks the owner of a shard to hand it over to `me`. Asking twice is no error.
    ///
    /// # Errors
    /// [`Error::Conflict`] when nobody owns it, or when owner, epoch or who waits for it is not
    /// as `seen`; [`Error::Storage`]: it may have been asked, or still be.
    pub async fn request_shard(&self, seen: &ShardRow, me: ConnectorId) -> Result<(), Error> {
        self.wish(seen, Some(me)).await
    }

    /// Tells who asked for a shard that it does not get it. Refusing twice is no error.
    ///
    /// # Errors
    /// As [`Self::request_shard`].
    pub async fn refuse_shard(&self, seen: &ShardRow) -> Result<(), Error> {
        self.wish(seen, None).await
    }

    async fn wish(&self, seen: &ShardRow, wanted_by: Option<ConnectorId>) -> Result<(), Error> {
        // Also because an update makes a row where there is none.
        if seen.owner.is_none() {
            return Err(Error::Conflict);
        }
        let write = CompareAndSet::new(
            [
                ("owner", connector(seen.owner)),
                ("epoch", count(seen.epoch)),
                ("wanted_by", connector(seen.wanted_by)),
            ],
            [("wanted_by", connector(wanted_by))],
        );
        self.change(seen.shard, write, |now| {
            now.owner == seen.owner && now.epoch == seen.epoch && now.wanted_by == wanted_by
        })
        .await
    }

    /// Writes a shard's row, outside a transaction.
    async fn change(
        &self,
        shard: ShardId,
        write: CompareAndSet,
        is_done: impl FnOnce(&ShardRow) -> bool,
    ) -> Result<(), Error> {
        let update = self.compare_and_set(shard_key(shard), write);
        let sent = conditional(update).await;
        let sent = sent.and_then(|done| done.map(drop).ok_or(Error::Conflict));
        self.conclude(shard, sent, is_done).await
    }

    fn taking(
        &self,
        seen: &ShardRow,
        me: ConnectorId,
        epoch: Epoch,
    ) -> Result<TransactWriteItem, Error> {
        let write = CompareAndSet::new(
            [
                ("owner", connector(seen.owner)),
                ("epoch", count(seen.epoch)),
            ],
            [
                ("owner", connector(Some(me))),
                ("epoch", count(epoch)),
                ("since", now()),
                ("wanted_by", None),
            ],
        );
        self.comparing_and_setting(shard_key(seen.shard), write)
    }

    /// Fails a transaction if the connector has renewed since it was seen with `rvn`, or its
    /// row has come or gone.
    fn still_expired(&self, id: ConnectorId, rvn: Option<Rvn>) -> Result<TransactWriteItem, Error> {
        let rvn = rvn.map(|rvn| text(rvn.to_string()));
        self.comparing(connector_key(id), [("rvn", rvn)])
    }

    /// After a write of a shard's row that failed: whether it was done nevertheless.
    async fn conclude(
        &self,
        shard: ShardId,
        sent: Result<(), Error>,
        is_done: impl FnOnce(&ShardRow) -> bool,
    ) -> Result<(), Error> {
        let Err(failed) = sent else { return Ok(()) };
        match (self.shard(shard).await, failed) {
            (Ok(now), _) if is_done(&now) => Ok(()),
            // The condition may have failed on our own write.
            (Err(unread), Error::Conflict) => Err(unread),
            (_, failed) => Err(failed),
        }
    }
}

fn connector(id: Option<ConnectorId>) -> Option<AttributeValue> {
    id.map(|id| text(id.to_string()))
}

/// The attribute of an epoch: a shard that nobody has ever owned has none.
fn count(epoch: Epoch) -> Option<AttributeValue> {
    (epoch > Epoch(0)).then(|| number(epoch.0))
}

fn now() -> Option<AttributeValue> {
    Some(number(UnixMs::now().0))
}
