//! All instances, page by page.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use pombal_domain::{Chain, Instance, InstanceName, ShardId};

use super::row::{Item, Row, names, read_instance, text};
use super::{Error, Registry, pages};

impl Registry {
    /// A page of all instances in name order (by code point), at most `limit`; `after` is the
    /// last name of the page before. A page shorter than `limit` is the last one. A row that
    /// can't be read is logged and left out.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn list_instances(
        &self,
        after: Option<&InstanceName>,
        limit: usize,
    ) -> Result<Vec<Instance>, Error> {
        let mut found = Vec::new();
        let mut start = None;
        while found.len() < limit {
            let missing = i32::try_from(limit - found.len()).unwrap_or(i32::MAX);
            let mut query = self
                .all_names()
                .limit(missing)
                .set_exclusive_start_key(start);
            if let Some(after) = after {
                query = query
                    .key_condition_expression("#listed = :listed AND #name > :after")
                    .set_expression_attribute_names(Some(names(&["listed", "name"])))
                    .expression_attribute_values(":after", text(after.as_str()));
            }
            let page = query.send().await.map_err(Error::storage)?;
            start = page.last_evaluated_key;
            found.extend(page.items.unwrap_or_default().iter().filter_map(readable));
            if start.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// How many instances there are.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn count_instances(&self) -> Result<usize, Error> {
        pages::count(self.all_names()).await
    }

    /// How many instances live on a shard. On AWS this may miss a change of the last moments.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn count_shard(&self, shard: ShardId) -> Result<usize, Error> {
        pages::count(self.of_shard(shard, Some("INSTANCE#"))).await
    }

    fn all_names(&self) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&*self.table)
            .index_name("by_name")
            .key_condition_expression("#listed = :listed")
            .set_expression_attribute_names(Some(names(&["listed"])))
            .expression_attribute_values(":listed", text("INSTANCE"))
    }
}

/// The instance in an item. One damaged row must not hide all the others.
pub(super) fn readable(item: &Item) -> Option<Instance> {
    read_instance(item)
        .inspect_err(|error| {
            let row = Row(item);
            let instance = row.text("id").unwrap_or("unknown");
            tracing::error!(
                instance.id = instance,
                error = %Chain(error),
                "registry row left out"
            );
        })
        .ok()
}
