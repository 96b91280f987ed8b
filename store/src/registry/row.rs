//! Rows as items: attribute values in and out, and the instance's row.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::str::FromStr;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use pombal_domain::ids::{Epoch, Seq, ShardId};
use pombal_domain::time::UnixMs;
use pombal_domain::{Instance, InstanceId, InstanceName, MoveId, SinkKind, Transit};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Error;
use super::error::BadAttribute;

/// The shard that an instance is to live on.
pub(super) const MOVING_TO: &str = "moving_to";
/// The newest attempt to hand an instance over.
pub(super) const DEPARTING: &str = "departing";
/// The attempt whose object has an instance's rows.
pub(super) const ARRIVING: &str = "arriving";
/// What is added to the shard's epoch.
pub(super) const EPOCH_BASE: &str = "epoch_base";

pub(super) type Item = HashMap<String, AttributeValue>;

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: impl Into<u64>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

pub(super) fn json(value: &impl Serialize) -> Result<AttributeValue, Error> {
    serde_json::to_string(value)
        .map(AttributeValue::S)
        .map_err(Error::storage)
}

/// An enum without fields as its bare name, not as JSON in quotes.
pub(super) fn plain(value: &impl Serialize) -> Result<AttributeValue, Error> {
    match serde_json::to_value(value).map_err(Error::storage)? {
        serde_json::Value::String(name) => Ok(AttributeValue::S(name)),
        _ => Err(Error::storage("value has no bare name")),
    }
}

/// The two key attributes of an item.
pub(super) fn key(pk: String, sk: &str) -> Item {
    Item::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

pub(super) fn instance_key(name: &InstanceName) -> Item {
    key(format!("NAME#{name}"), "INSTANCE")
}

pub(super) fn token_key(hash: &str) -> Item {
    key(format!("TOKEN#{hash}"), "TOKEN")
}

/// The place of an instance, or of its tombstone, in the index `by_shard`.
pub(super) fn shard_place(
    kind: &str,
    shard: ShardId,
    id: InstanceId,
) -> [(String, AttributeValue); 2] {
    [
        ("shard".to_owned(), number(shard.0)),
        ("shard_sort".to_owned(), text(format!("{kind}#{id}"))),
    ]
}

/// Aliases `#x` for each attribute `x`: many plain names are reserved words.
pub(super) fn names(attributes: &[&str]) -> HashMap<String, String> {
    attributes
        .iter()
        .map(|name| (format!("#{name}"), (*name).to_owned()))
        .collect()
}

/// Typed access to the attributes of an item.
pub(super) struct Row<'a>(pub(super) &'a Item);

impl Row<'_> {
    pub(super) fn text(&self, name: &'static str) -> Result<&str, BadAttribute> {
        match self.0.get(name) {
            Some(AttributeValue::S(text)) => Ok(text),
            _ => Err(BadAttribute::Absent(name)),
        }
    }

    pub(super) fn number<T: FromStr<Err: StdError + Send + Sync + 'static>>(
        &self,
        name: &'static str,
    ) -> Result<T, BadAttribute> {
        match self.0.get(name) {
            Some(AttributeValue::N(digits)) => digits
                .parse()
                .map_err(|e: T::Err| BadAttribute::Unparsed(name, e.into())),
            _ => Err(BadAttribute::Absent(name)),
        }
    }

    pub(super) fn parse<T: FromStr<Err: StdError + Send + Sync + 'static>>(
        &self,
        name: &'static str,
    ) -> Result<T, BadAttribute> {
        self.text(name)?
            .parse()
            .map_err(|e: T::Err| BadAttribute::Unparsed(name, e.into()))
    }

    /// What follows `prefix` in a text.
    pub(super) fn after<T: FromStr<Err: StdError + Send + Sync + 'static>>(
        &self,
        name: &'static str,
        prefix: &str,
    ) -> Result<T, BadAttribute> {
        let text = self.text(name)?.strip_prefix(prefix);
        text.ok_or(BadAttribute::Absent(name))?
            .parse()
            .map_err(|e: T::Err| BadAttribute::Unparsed(name, e.into()))
    }

    pub(super) fn flag(&self, name: &'static str) -> Result<bool, BadAttribute> {
        match self.0.get(name) {
            Some(AttributeValue::Bool(flag)) => Ok(*flag),
            _ => Err(BadAttribute::Absent(name)),
        }
    }

    pub(super) fn json<T: DeserializeOwned>(&self, name: &'static str) -> Result<T, BadAttribute> {
        serde_json::from_str(self.text(name)?).map_err(|e| BadAttribute::Unparsed(name, e.into()))
    }

    pub(super) fn plain<T: DeserializeOwned>(&self, name: &'static str) -> Result<T, BadAttribute> {
        serde_json::from_value(self.text(name)?.into())
            .map_err(|e| BadAttribute::Unparsed(name, e.into()))
    }

    fn bytes(&self, name: &'static str) -> Result<Vec<u8>, BadAttribute> {
        match self.0.get(name) {
            Some(AttributeValue::B(blob)) => Ok(blob.as_ref().to_vec()),
            _ => Err(BadAttribute::Absent(name)),
        }
    }

    /// `read` if the attribute is there at all.
    pub(super) fn optional<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&Self, &'static str) -> Result<T, BadAttribute>,
    ) -> Result<Option<T>, BadAttribute> {
        self.0
            .contains_key(name)
            .then(|| read(self, name))
            .transpose()
    }
}

/// The row of an instance, key and index attributes included.
pub(super) fn instance_item(instance: &Instance) -> Result<Item, Error> {
    let mut item = instance_key(&instance.name);
    item.extend(shard_place("INSTANCE", instance.shard, instance.id));
    if let Some(business) = &instance.business {
        // It lives on no shard, so the index of shards must not have it.
        item.remove("shard_sort");
        item.insert("business".to_owned(), json(business)?);
    }
    item.extend(
        [
            ("listed", text("INSTANCE")),
            ("id", text(instance.id.to_string())),
            ("name", text(instance.name.as_str())),
            ("integration", plain(&instance.integration)?),
            ("token_hash", text(instance.token_hash.as_str())),
            (
                "token_sealed",
                AttributeValue::B(Blob::new(instance.token_sealed.as_slice())),
            ),
            (
                "data_key",
                AttributeValue::B(Blob::new(instance.data_key.as_slice())),
            ),
            ("desired", plain(&instance.desired)?),
            ("pairing", json(&instance.pairing)?),
            ("generation", number(instance.generation)),
            ("settings", json(&instance.settings)?),
            ("observed", json(&instance.observed)?),
            ("epoch", number(instance.epoch.0)),
            ("seq", number(instance.seq.0)),
            ("created_at", number(instance.created_at.0)),
            ("updated_at", number(instance.updated_at.0)),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    if let Some(phone) = &instance.number {
        item.insert("number".to_owned(), text(phone.as_str()));
    }
    if let Some(proxy) = &instance.proxy {
        item.insert("proxy".to_owned(), json(proxy)?);
    }
    if let Some(webhook) = &instance.webhook {
        item.insert("webhook".to_owned(), json(webhook)?);
    }
    item.extend(transit_attributes(&instance.transit));
    for kind in [SinkKind::Websocket, SinkKind::Sqs] {
        if let Some(sink) = instance.sink(kind) {
            item.insert(kind.as_str().to_owned(), json(sink)?);
        }
    }
    Ok(item)
}

/// What says that an instance changes shards, or has done so. Most have none of it.
fn transit_attributes(transit: &Transit) -> impl Iterator<Item = (String, AttributeValue)> {
    let id = |id: MoveId| text(id.to_string());
    let base = transit.epoch_base.0;
    [
        (MOVING_TO, transit.to.map(|to| number(to.0))),
        (DEPARTING, transit.departing.map(id)),
        (ARRIVING, transit.arriving.map(id)),
        (EPOCH_BASE, (base > 0).then(|| number(base))),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
}

fn read_transit(row: &Row<'_>) -> Result<Transit, BadAttribute> {
    Ok(Transit {
        to: row.optional(MOVING_TO, Row::number)?.map(ShardId),
        departing: row.optional(DEPARTING, Row::parse)?,
        arriving: row.optional(ARRIVING, Row::parse)?,
        epoch_base: Epoch(row.optional(EPOCH_BASE, Row::number)?.unwrap_or_default()),
    })
}

/// Reads what [`instance_item`] wrote, perhaps in another version of the program.
pub(super) fn read_instance(item: &Item) -> Result<Instance, Error> {
    let row = Row(item);
    Ok(Instance {
        id: row.parse("id")?,
        name: row.parse("name")?,
        integration: row.plain("integration")?,
        business: row.optional("business", Row::json)?,
        shard: ShardId(row.number("shard")?),
        transit: read_transit(&row)?,
        number: row.optional("number", Row::plain)?,
        token_hash: row.text("token_hash")?.to_owned(),
        token_sealed: row.bytes("token_sealed")?,
        data_key: row.bytes("data_key")?,
        desired: row.plain("desired")?,
        pairing: row.json("pairing")?,
        generation: row.number("generation")?,
        settings: row.json("settings")?,
        proxy: row.optional("proxy", Row::json)?,
        webhook: row.optional("webhook", Row::json)?,
        websocket: row.optional(SinkKind::Websocket.as_str(), Row::json)?,
        sqs: row.optional(SinkKind::Sqs.as_str(), Row::json)?,
        observed: row.json("observed")?,
        epoch: Epoch(row.number("epoch")?),
        seq: Seq(row.number("seq")?),
        created_at: UnixMs(row.number("created_at")?),
        updated_at: UnixMs(row.number("updated_at")?),
    })
}
