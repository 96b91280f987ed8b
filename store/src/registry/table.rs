//! Making the table.

use std::time::Duration;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TableStatus, TimeToLiveSpecification, TimeToLiveStatus,
};

use super::{Error, Registry, shape};

/// A new table is usually active within ten seconds; a minute and a half is patience.
const CREATE_POLLS: u32 = 180;
const CREATE_POLL: Duration = Duration::from_millis(500);

impl Registry {
    /// Makes the table with its indexes and its time to live, unless it is there already, and
    /// waits until it can be used. Billed per request.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn create_table_if_missing(&self) -> Result<(), Error> {
        if self.status().await?.is_none() {
            self.create_table().await?;
        }
        for poll in 0.. {
            match self.status().await? {
                Some(TableStatus::Active | TableStatus::Updating) => break,
                _ if poll == CREATE_POLLS => return Err(Error::storage("table stays inactive")),
                _ => tokio::time::sleep(CREATE_POLL).await,
            }
        }
        // Also when the table was there: its maker may have died before this step.
        self.enable_ttl().await
    }

    async fn status(&self) -> Result<Option<TableStatus>, Error> {
        match self
            .client
            .describe_table()
            .table_name(&*self.table)
            .send()
            .await
        {
            Ok(answer) => Ok(answer.table.and_then(|table| table.table_status)),
            Err(e)
                if e.as_service_error()
                    .is_some_and(|e| e.is_resource_not_found_exception()) =>
            {
                Ok(None)
            }
            Err(e) => Err(Error::storage(e)),
        }
    }

    async fn create_table(&self) -> Result<(), Error> {
        let mut request = self
            .client
            .create_table()
            .table_name(&*self.table)
            .billing_mode(BillingMode::PayPerRequest);
        for (name, kind) in shape::ATTRIBUTES {
            let attribute = AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(ScalarAttributeType::from(kind));
            request = request.attribute_definitions(attribute.build().map_err(Error::storage)?);
        }
        let shape = key_schema(shape::KEY).map_err(Error::storage)?;
        request = request.set_key_schema(Some(shape));
        for (name, key) in shape::INDEXES {
            let index = index(name, key).map_err(Error::storage)?;
            request = request.global_secondary_indexes(index);
        }
        match request.send().await {
            Ok(_) => Ok(()),
            // Somebody else is making it, or our own lost answer did.
            Err(e)
                if e.as_service_error()
                    .is_some_and(|e| e.is_resource_in_use_exception()) =>
            {
                Ok(())
            }
            Err(e) => Err(Error::storage(e)),
        }
    }

    async fn enable_ttl(&self) -> Result<(), Error> {
        let now = self
            .client
            .describe_time_to_live()
            .table_name(&*self.table)
            .send()
            .await
            .map_err(Error::storage)?;
        let status = now
            .time_to_live_description
            .and_then(|now| now.time_to_live_status);
        if matches!(
            status,
            Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
        ) {
            return Ok(());
        }
        let wish = TimeToLiveSpecification::builder()
            .enabled(true)
            .attribute_name(shape::TTL);
        self.client
            .update_time_to_live()
            .table_name(&*self.table)
            .time_to_live_specification(wish.build().map_err(Error::storage)?)
            .send()
            .await
            .map_err(Error::storage)?;
        Ok(())
    }
}

fn key_schema(
    (partition, sort): (&str, Option<&str>),
) -> Result<Vec<KeySchemaElement>, BuildError> {
    [
        Some((partition, KeyType::Hash)),
        sort.map(|sort| (sort, KeyType::Range)),
    ]
    .into_iter()
    .flatten()
    .map(|(name, kind)| {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build()
    })
    .collect()
}

fn index(name: &str, key: (&str, Option<&str>)) -> Result<GlobalSecondaryIndex, BuildError> {
    GlobalSecondaryIndex::builder()
        .index_name(name)
        .set_key_schema(Some(key_schema(key)?))
        .projection(
            Projection::builder()
                .projection_type(ProjectionType::All)
                .build(),
        )
        .build()
}
