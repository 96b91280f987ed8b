//! Writes of some attributes of a row that are done if others are as they were seen.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::row::names;

/// An attribute and its value. `None`: it is not there.
pub(super) type Attribute = (&'static str, Option<AttributeValue>);

/// The parts of an update.
pub(super) struct CompareAndSet {
    pub(super) condition: String,
    pub(super) update: String,
    pub(super) names: HashMap<String, String>,
    pub(super) values: HashMap<String, AttributeValue>,
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
