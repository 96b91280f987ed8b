//! Instances: made, found, deleted.

use aws_sdk_dynamodb::types::builders::DeleteBuilder;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use pombal_domain::{Chain, Instance, InstanceId, InstanceName, ShardId, Tombstone};

use super::row::{
    Item, Row, instance_item, instance_key, names, number, read_instance, text, token_key,
};
use super::shards::tombstone_item;
use super::transact::Cancelled;
use super::{Error, Registry};

impl Registry {
    /// Adds an instance: its row and its token, in one transaction. Adding it twice is adding
    /// it once.
    ///
    /// After any failure it reads the row before it concludes: the transaction may have been
    /// done, and a later try, or a caller's, may have failed on it.
    ///
    /// # Errors
    /// [`Error::NameTaken`], [`Error::TokenTaken`], [`Error::NumberTaken`]; [`Error::Storage`].
    pub async fn create_instance(&self, instance: &Instance) -> Result<(), Error> {
        let mut writes = self.creation(instance)?;
        writes.extend(self.business_claims(instance)?);
        let Err(cancelled) = self.transact(writes).await else {
            return Ok(());
        };
        let row = self.instance(&instance.name).await;
        if matches!(row, Ok(Some(row)) if row.id == instance.id) {
            return Ok(());
        }
        Err(match cancelled {
            Cancelled::Conditions(failed) if failed.starts_with(&[false, false, true]) => {
                Error::NumberTaken
            }
            Cancelled::Conditions(failed) => taken(&failed),
            Cancelled::Other(error) => error,
        })
    }

    /// The writes that add an instance: its row, then its token.
    pub(super) fn creation(&self, instance: &Instance) -> Result<Vec<TransactWriteItem>, Error> {
        let token = token_item(instance.id, &instance.name, &instance.token_hash);
        Ok(vec![
            self.put_new(instance_item(instance)?)?,
            self.put_new(token)?,
        ])
    }

    /// The instance with this name: one consistent read.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn instance(&self, name: &InstanceName) -> Result<Option<Instance>, Error> {
        self.item(instance_key(name))
            .await?
            .as_ref()
            .map(read_instance)
            .transpose()
    }

    /// The instance with this id. What it finds is current; on AWS it may miss an instance
    /// that was only just made.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn instance_by_id(&self, id: InstanceId) -> Result<Option<Instance>, Error> {
        let found = self
            .client
            .query()
            .table_name(&*self.table)
            .index_name("by_id")
            .key_condition_expression("#id = :id")
            .set_expression_attribute_names(Some(names(&["id"])))
            .expression_attribute_values(":id", text(id.to_string()))
            .send()
            .await
            .map_err(Error::storage)?;
        let Some(item) = found.items().first() else {
            return Ok(None);
        };
        let instance = self.instance(&Row(item).parse("name")?).await?;
        Ok(instance.filter(|instance| instance.id == id))
    }

    /// The instance whose token has this SHA-256, in hexadecimal: two consistent reads.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn instance_by_token(&self, token_hash: &str) -> Result<Option<Instance>, Error> {
        // A key can't be longer than 2,048 bytes, and no digest is longer than 64 characters.
        if token_hash.len() != 64 {
            return Ok(None);
        }
        let Some(token) = self.item(token_key(token_hash)).await? else {
            return Ok(None);
        };
        let instance = self.instance(&Row(&token).parse("name")?).await?;
        // The name may have passed to another instance between the two reads.
        Ok(instance.filter(|instance| instance.token_hash == token_hash))
    }

    /// Deletes an instance, and with it its data key and its token, and leaves a tombstone;
    /// one transaction. An instance of the Cloud API has no rows on a shard and leaves no
    /// tombstone; its own rows go right after it. The embedded adapter then leaves nothing of the row in its file; if
    /// that fails, or the process dies, it is done at the next sweep or start.
    ///
    /// Returns the shard whose owner wipes the rows: the instance may have changed shards since
    /// `instance` was read.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the name belongs to no instance or another; [`Error::Storage`].
    pub async fn delete_instance(&self, instance: &Instance) -> Result<ShardId, Error> {
        let shard = self.delete_rows(instance).await?;
        if instance.business.is_some() {
            self.forget_business(instance.id).await;
        }
        if let Err(error) = self.scrub().await {
            tracing::warn!(error = %Chain(&error), "registry file not scrubbed yet");
        }
        Ok(shard)
    }

    pub(super) async fn delete_rows(&self, instance: &Instance) -> Result<ShardId, Error> {
        let mut seen = instance.clone();
        loop {
            match self.delete_rows_as_seen(&seen).await {
                Ok(()) => return Ok(seen.shard),
                Err(Error::NotFound) => {}
                Err(error) => return Err(error),
            }
            let now = self.instance(&instance.name).await?;
            match now.filter(|now| now.id == instance.id) {
                // The tombstone belongs where the rows are, and the token goes that it has.
                Some(now) if now.shard != seen.shard || now.token_hash != seen.token_hash => {
                    seen = now;
                }
                _ => return Err(Error::NotFound),
            }
        }
    }

    /// Deletes an instance that lives on the shard and has the token that were seen.
    async fn delete_rows_as_seen(&self, instance: &Instance) -> Result<(), Error> {
        let row = Delete::builder()
            .set_key(Some(instance_key(&instance.name)))
            .condition_expression("#id = :id AND #shard = :shard AND #token_hash = :token")
            .set_expression_attribute_names(Some(names(&["id", "shard", "token_hash"])))
            .expression_attribute_values(":token", text(instance.token_hash.as_str()))
            .expression_attribute_values(":id", text(instance.id.to_string()))
            .expression_attribute_values(":shard", number(instance.shard.0));
        self.delete_with(row, instance)
            .await
            .map_err(|cancelled| match cancelled {
                Cancelled::Conditions(_) => Error::NotFound,
                Cancelled::Other(error) => error,
            })
    }

    /// Deletes the row, which knows on which condition, with everything that belongs to it.
    pub(super) async fn delete_with(
        &self,
        row: DeleteBuilder,
        instance: &Instance,
    ) -> Result<(), Cancelled> {
        let writes = self.deletion(row, instance).map_err(Cancelled::Other)?;
        self.transact(writes).await
    }

    fn deletion(
        &self,
        row: DeleteBuilder,
        instance: &Instance,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let token = self.deleting_token(instance);
        let tombstone = Put::builder().set_item(Some(tombstone_item(&Tombstone {
            id: instance.id,
            name: instance.name.clone(),
            shard: instance.shard,
        })));
        let delete = |delete: DeleteBuilder| {
            let delete = delete
                .table_name(&*self.table)
                .build()
                .map_err(Error::storage)?;
            Ok::<_, Error>(TransactWriteItem::builder().delete(delete).build())
        };
        let tombstone = tombstone
            .table_name(&*self.table)
            .build()
            .map_err(Error::storage)?;
        let mut writes = vec![delete(row)?, delete(token)?];
        if instance.business.is_some() {
            writes.extend(self.business_releases(instance)?);
        } else {
            writes.push(TransactWriteItem::builder().put(tombstone).build());
        }
        writes.extend(self.scrub_mark()?);
        Ok(writes)
    }

    /// One item by its key, read consistently.
    pub(super) async fn item(&self, key: Item) -> Result<Option<Item>, Error> {
        let found = self
            .client
            .get_item()
            .table_name(&*self.table)
            .set_key(Some(key))
            .consistent_read(true)
            .send()
            .await
            .map_err(Error::storage)?;
        Ok(found.item)
    }

    /// The writing of an item whose key nothing has yet.
    pub(super) fn put_new(&self, item: Item) -> Result<TransactWriteItem, Error> {
        let put = Put::builder()
            .table_name(&*self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#pk)")
            .set_expression_attribute_names(Some(names(&["pk"])))
            .build()
            .map_err(Error::storage)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

/// What a token leads to.
pub(super) fn token_item(id: InstanceId, name: &InstanceName, hash: &str) -> Item {
    let mut token = token_key(hash);
    token.insert("name".to_owned(), text(name.as_str()));
    token.insert("instance".to_owned(), text(id.to_string()));
    token
}

/// What the failed conditions of [`Registry::creation`] say.
pub(super) fn taken(failed: &[bool]) -> Error {
    match failed {
        [true, ..] => Error::NameTaken,
        [_, true, ..] => Error::TokenTaken,
        _ => Error::Conflict,
    }
}
