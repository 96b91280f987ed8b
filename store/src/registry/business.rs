//! Instances of the Cloud API, found by what Meta calls them.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use pombal_domain::{Chain, GraphId, Instance, InstanceId};

use super::row::{Item, Row, key, names, text};
use super::{Error, Registry, pages};

impl Registry {
    /// The instance that sends and receives by this `phone_number_id`: two consistent reads.
    /// The number that an instance of another channel was given does not count.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn instance_by_phone_number(&self, id: &GraphId) -> Result<Option<Instance>, Error> {
        let Some(claim) = self.item(number_key(id)).await? else {
            return Ok(None);
        };
        let row = self.instance(&Row(&claim).parse("name_of")?).await?;
        // The name may have passed to another instance between the two reads.
        Ok(row.filter(|row| row.business.as_ref().is_some_and(|b| b.phone_number == *id)))
    }

    /// The instances of a business account, in no order.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn instances_of_account(&self, id: &GraphId) -> Result<Vec<Instance>, Error> {
        let mut found = Vec::new();
        for claim in pages::items(self.partition(&format!("WABA#{id}"), None)).await? {
            let row = self.instance(&Row(&claim).parse("name_of")?).await?;
            let is_its = |row: &Instance| {
                let business = row.business.as_ref();
                business.is_some_and(|business| business.account.as_ref() == Some(id))
            };
            found.extend(row.filter(is_its));
        }
        Ok(found)
    }

    /// What claims an instance's number, and joins it to its account. Nothing for an instance
    /// of another channel.
    pub(super) fn business_claims(
        &self,
        instance: &Instance,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let Some(business) = &instance.business else {
            return Ok(Vec::new());
        };
        let named = |mut item: Item| {
            item.insert("name_of".to_owned(), text(instance.name.as_str()));
            item.insert("instance".to_owned(), text(instance.id.to_string()));
            item
        };
        let mut writes = vec![self.put_new(named(number_key(&business.phone_number)))?];
        if let Some(account) = &business.account {
            let put = Put::builder()
                .table_name(&*self.table)
                .set_item(Some(named(account_key(account, instance.id))))
                .build()
                .map_err(Error::storage)?;
            writes.push(TransactWriteItem::builder().put(put).build());
        }
        Ok(writes)
    }

    /// Undoes [`Self::business_claims`].
    pub(super) fn business_releases(
        &self,
        instance: &Instance,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let Some(business) = &instance.business else {
            return Ok(Vec::new());
        };
        let number = number_key(&business.phone_number);
        let account = business.account.as_ref();
        let keys = [
            Some(number),
            account.map(|account| account_key(account, instance.id)),
        ];
        let release = |key: Item| {
            let delete = Delete::builder()
                .table_name(&*self.table)
                .set_key(Some(key))
                .condition_expression("attribute_not_exists(#pk) OR #instance = :id")
                .set_expression_attribute_names(Some(names(&["pk", "instance"])))
                .expression_attribute_values(":id", text(instance.id.to_string()))
                .build()
                .map_err(Error::storage)?;
            Ok(TransactWriteItem::builder().delete(delete).build())
        };
        keys.into_iter().flatten().map(release).collect()
    }

    /// Removes the rows of an instance that is deleted already. What fails is logged: nothing
    /// leads to these rows any more.
    pub(super) async fn forget_business(&self, id: InstanceId) {
        if let Err(error) = self.clear_partition(&partition_of(id)).await {
            tracing::warn!(
                instance.id = %id, error = %Chain(&error), "rows of a deleted instance left"
            );
        }
    }

    async fn clear_partition(&self, pk: &str) -> Result<(), Error> {
        for item in pages::items(self.partition(pk, None)).await? {
            let sk = Row(&item).text("sk")?.to_owned();
            self.remove(key(pk.to_owned(), &sk)).await?;
        }
        Ok(())
    }

    /// The items of a partition, read consistently: all, or those whose sort key begins with
    /// `kind`.
    pub(super) fn partition(
        &self,
        pk: &str,
        kind: Option<&str>,
    ) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        let query = self
            .client
            .query()
            .table_name(&*self.table)
            .consistent_read(true)
            .expression_attribute_values(":pk", text(pk));
        match kind {
            None => query
                .key_condition_expression("#pk = :pk")
                .set_expression_attribute_names(Some(names(&["pk"]))),
            Some(kind) => query
                .key_condition_expression("#pk = :pk AND begins_with(#sk, :kind)")
                .set_expression_attribute_names(Some(names(&["pk", "sk"])))
                .expression_attribute_values(":kind", text(kind)),
        }
    }

    /// Removes one item. Nothing there is no error.
    pub(super) async fn remove(&self, key: Item) -> Result<(), Error> {
        self.client
            .delete_item()
            .table_name(&*self.table)
            .set_key(Some(key))
            .send()
            .await
            .map_err(Error::storage)?;
        Ok(())
    }
}

/// Where the rows of an instance of the Cloud API are, besides its own.
pub(super) fn partition_of(id: InstanceId) -> String {
    format!("BUSINESS#{id}")
}

fn number_key(id: &GraphId) -> Item {
    key(format!("CLOUD#{id}"), "CLOUD")
}

fn account_key(account: &GraphId, id: InstanceId) -> Item {
    key(format!("WABA#{account}"), &format!("INSTANCE#{id}"))
}
