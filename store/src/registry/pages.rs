//! Queries whose answer may be longer than one page.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::Select;
use pombal_domain::ShardId;

use super::row::{Item, names, number, text};
use super::{Error, Registry};

impl Registry {
    /// What the index has of a shard: everything, or what begins with `kind`.
    pub(super) fn of_shard(&self, shard: ShardId, kind: Option<&str>) -> QueryFluentBuilder {
        let query = self
            .client
            .query()
            .table_name(&*self.table)
            .index_name("by_shard")
            .expression_attribute_values(":shard", number(shard.0));
        match kind {
            None => query
                .key_condition_expression("#shard = :shard")
                .set_expression_attribute_names(Some(names(&["shard"]))),
            Some(kind) => query
                .key_condition_expression("#shard = :shard AND begins_with(#shard_sort, :kind)")
                .set_expression_attribute_names(Some(names(&["shard", "shard_sort"])))
                .expression_attribute_values(":kind", text(kind)),
        }
    }
}

/// The items of all pages.
pub(super) async fn items(query: QueryFluentBuilder) -> Result<Vec<Item>, Error> {
    let mut items = Vec::new();
    let mut start = None;
    loop {
        let page = query.clone().set_exclusive_start_key(start);
        let page = page.send().await.map_err(Error::storage)?;
        items.extend(page.items.unwrap_or_default());
        start = page.last_evaluated_key;
        if start.is_none() {
            return Ok(items);
        }
    }
}

/// How many items there are on all pages.
pub(super) async fn count(query: QueryFluentBuilder) -> Result<usize, Error> {
    let query = query.select(Select::Count);
    let mut count = 0;
    let mut start = None;
    loop {
        let page = query.clone().set_exclusive_start_key(start);
        let page = page.send().await.map_err(Error::storage)?;
        count += usize::try_from(page.count).unwrap_or_default();
        start = page.last_evaluated_key;
        if start.is_none() {
            return Ok(count);
        }
    }
}
