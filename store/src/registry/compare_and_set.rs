//! Writes of some attributes of a row that are done if others are as they were seen.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, TransactWriteItem, Update};

use super::row::{Item, names};
use super::{Error, Registry};

/// An attribute and its value. `None`: it is not there.
pub(super) type Attribute = (&'static str, Option<AttributeValue>);

/// The parts of an update.
pub(super) struct CompareAndSet {
    condition: String,
    update: String,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Registry {
    /// The update of one row, by itself.
    pub(super) fn compare_and_set(
        &self,
        key: Item,
        write: CompareAndSet,
    ) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key))
            .condition_expression(write.condition)
            .update_expression(write.update)
            .set_expression_attribute_names(Some(write.names))
            .set_expression_attribute_values(Some(write.values))
    }

    /// The same as a part of a transaction.
    pub(super) fn comparing_and_setting(
        &self,
        key: Item,
        write: CompareAndSet,
    ) -> Result<TransactWriteItem, Error> {
        let update = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(key))
            .condition_expression(write.condition)
            .update_expression(write.update)
            .set_expression_attribute_names(Some(write.names))
            .set_expression_attribute_values(Some(write.values))
            .build()
            .map_err(Error::storage)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Fails a transaction unless a row that it does not write is as `seen`.
    pub(super) fn comparing<const S: usize>(
        &self,
        key: Item,
        seen: [Attribute; S],
    ) -> Result<TransactWriteItem, Error> {
        let names = names(&seen.each_ref().map(|(name, _)| *name));
        let (condition, values) = as_seen(seen);
        let check = ConditionCheck::builder()
            .table_name(&*self.table)
            .set_key(Some(key))
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            // An empty map is refused.
            .set_expression_attribute_values((!values.is_empty()).then_some(values))
            .build()
            .map_err(Error::storage)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }
}

impl CompareAndSet {
    /// The update to `new`, if the row is as `seen`. Neither is empty.
    pub(super) fn new<const S: usize, const N: usize>(
        seen: [Attribute; S],
        new: [Attribute; N],
    ) -> Self {
        let attributes: Vec<_> = seen.iter().chain(&new).map(|(name, _)| *name).collect();
        let names = names(&attributes);
        let (condition, mut values) = as_seen(seen);
        let (mut set, mut remove) = (Vec::new(), Vec::new());
        for (name, value) in new {
            match value {
                Some(value) => {
                    set.push(format!("#{name} = :new_{name}"));
                    values.insert(format!(":new_{name}"), value);
                }
                None => remove.push(format!("#{name}")),
            }
        }
        let clauses = [("SET", set), ("REMOVE", remove)];
        let clauses = clauses.into_iter().filter(|(_, parts)| !parts.is_empty());
        let clauses = clauses.map(|(clause, parts)| format!("{clause} {}", parts.join(", ")));
        Self {
            condition,
            update: clauses.collect::<Vec<_>>().join(" "),
            names,
            values,
        }
    }
}

/// The condition that a row is as `seen`, and its values.
pub(super) fn as_seen<const S: usize>(
    seen: [Attribute; S],
) -> (String, HashMap<String, AttributeValue>) {
    let mut values = HashMap::new();
    let parts = seen.map(|(name, value)| match value {
        Some(value) => {
            values.insert(format!(":seen_{name}"), value);
            format!("#{name} = :seen_{name}")
        }
        None => format!("attribute_not_exists(#{name})"),
    });
    (parts.join(" AND "), values)
}
