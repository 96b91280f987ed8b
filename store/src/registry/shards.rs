//! Shards: who owns them, and what lives there.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use pombal_domain::time::UnixMs;
use pombal_domain::{ConnectorId, Epoch, Instance, InstanceId, ShardId, Tombstone};

use super::listing::readable;
use super::row::{Item, Row, key, names, number, shard_place, text};
use super::transact::Cancelled;
use super::{Error, Registry};

/// When a tombstone was put.
const SINCE: &str = "since";

/// Who owns a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardOwner {
    /// The owner.
    pub owner: ConnectorId,
    /// How often the shard has changed owners.
    pub epoch: Epoch,
}

/// What the shard's owner finds there.
#[derive(Debug, Clone, Default)]
pub struct ShardContent {
    /// Instances that live on the shard.
    pub instances: Vec<Instance>,
    /// Deleted instances whose rows are still to be wiped.
    pub tombstones: Vec<Tombstone>,
}

/// A tombstone, and since when it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grave {
    /// The tombstone.
    pub tombstone: Tombstone,
    /// When it was put; the epoch where an earlier version did not note it.
    pub since: UnixMs,
}

impl Registry {
    /// The tombstones of one shard, and nothing else. On AWS this may miss one of the last
    /// moments.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn graves(&self, shard: ShardId) -> Result<Vec<Grave>, Error> {
        let mut graves = Vec::new();
        let mut start = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&*self.table)
                .index_name("by_shard")
                .key_condition_expression("#shard = :shard AND begins_with(#shard_sort, :kind)")
                .set_expression_attribute_names(Some(names(&["shard", "shard_sort"])))
                .expression_attribute_values(":shard", number(shard.0))
                .expression_attribute_values(":kind", text("TOMBSTONE#"))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(Error::storage)?;
            for item in page.items.unwrap_or_default() {
                graves.push(Grave {
                    tombstone: read_tombstone(&item)?,
                    since: UnixMs(Row(&item).optional(SINCE, Row::number)?.unwrap_or_default()),
                });
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(graves);
            }
        }
    }

    /// Instances and tombstones of one shard, all of them. On AWS this may miss a change of
    /// the last moments. A row that can't be read is logged and left out.
    ///
    /// # Errors
    /// [`Error::Damaged`] for a damaged tombstone, [`Error::Storage`].
    pub async fn shard_content(&self, shard: ShardId) -> Result<ShardContent, Error> {
        let mut content = ShardContent::default();
        let mut start = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&*self.table)
                .index_name("by_shard")
                .key_condition_expression("#shard = :shard")
                .set_expression_attribute_names(Some(names(&["shard"])))
                .expression_attribute_values(":shard", number(shard.0))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(Error::storage)?;
            for item in page.items.unwrap_or_default() {
                if Row(&item).text("shard_sort")?.starts_with("TOMBSTONE#") {
                    content.tombstones.push(read_tombstone(&item)?);
                } else {
                    content.instances.extend(readable(&item));
                }
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(content);
            }
        }
    }

    /// Forgets a deleted instance, once its rows are wiped. Forgetting twice is no error.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn remove_tombstone(&self, tombstone: &Tombstone) -> Result<(), Error> {
        self.client
            .delete_item()
            .table_name(&*self.table)
            .set_key(Some(tombstone_key(tombstone.id)))
            .send()
            .await
            .map_err(Error::storage)?;
        Ok(())
    }

    /// Who owns the shard, if anybody ever did: one consistent read.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn shard_owner(&self, shard: ShardId) -> Result<Option<ShardOwner>, Error> {
        let Some(item) = self.item(shard_key(shard)).await? else {
            return Ok(None);
        };
        let row = Row(&item);
        Ok(Some(ShardOwner {
            owner: row.parse("owner")?,
            epoch: Epoch(row.number("epoch")?),
        }))
    }

    /// Makes `me` the owner and counts the epoch up, if the row is still as `seen` (`None`: no
    /// row). Returns the new epoch; the first is 1.
    ///
    /// After any failure it reads the row again before it concludes: the write may have been
    /// done, and a retry of the SDK, or a caller's, may have failed on it.
    ///
    /// # Errors
    /// [`Error::Conflict`]; [`Error::Storage`].
    pub async fn take_shard(
        &self,
        shard: ShardId,
        me: ConnectorId,
        seen: Option<ShardOwner>,
    ) -> Result<Epoch, Error> {
        let epoch = seen.map_or(Epoch(0), |seen| seen.epoch).next();
        let update = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(shard_key(shard)))
            .update_expression("SET #owner = :me, #epoch = :next")
            .expression_attribute_values(":me", text(me.to_string()))
            .expression_attribute_values(":next", number(epoch.0));
        let update = match seen {
            None => update
                .condition_expression("attribute_not_exists(#pk)")
                .set_expression_attribute_names(Some(names(&["pk", "owner", "epoch"]))),
            Some(seen) => update
                .condition_expression("#owner = :seen AND #epoch = :epoch")
                .set_expression_attribute_names(Some(names(&["owner", "epoch"])))
                .expression_attribute_values(":seen", text(seen.owner.to_string()))
                .expression_attribute_values(":epoch", number(seen.epoch.0)),
        };
        let update = update.build().map_err(Error::storage)?;
        // A transaction of one: the old owner's row joins it with leases (DESIGN § 5).
        let write = TransactWriteItem::builder().update(update).build();
        let Err(cancelled) = self.transact(vec![write]).await else {
            return Ok(epoch);
        };

        let now = self.shard_owner(shard).await;
        if matches!(now, Ok(Some(now)) if now == (ShardOwner { owner: me, epoch })) {
            return Ok(epoch);
        }
        Err(match cancelled {
            Cancelled::Conditions(_) => Error::Conflict,
            Cancelled::Other(error) => error,
        })
    }
}

fn shard_key(shard: ShardId) -> Item {
    key(format!("SHARD#{shard}"), "SHARD")
}

pub(super) fn tombstone_key(id: InstanceId) -> Item {
    key(format!("TOMBSTONE#{id}"), "TOMBSTONE")
}

pub(super) fn tombstone_item(tombstone: &Tombstone) -> Item {
    let mut item = tombstone_key(tombstone.id);
    item.extend(shard_place("TOMBSTONE", tombstone.shard, tombstone.id));
    item.insert("instance".to_owned(), text(tombstone.id.to_string()));
    item.insert("name".to_owned(), text(tombstone.name.as_str()));
    item.insert(SINCE.to_owned(), number(UnixMs::now().0));
    item
}

pub(super) fn read_tombstone(item: &Item) -> Result<Tombstone, Error> {
    let row = Row(item);
    Ok(Tombstone {
        id: row.parse("instance")?,
        name: row.parse("name")?,
        shard: ShardId(row.number("shard")?),
    })
}
