//! Meta's webhooks, read: what they are about, in the order in which they say it.
//!
//! <https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components>

mod content;
mod context;
mod message;
mod status;
pub(crate) mod vcard;

pub(super) use message::{InboundMessage, contact};
pub(super) use status::status;

use serde_json::Value;

/// Longest id of a message that is taken, in bytes. Meta's have some 60.
const MAX_ID_BYTES: usize = 512;

/// One change that a webhook tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change<'a> {
    /// The account that it is about.
    pub(super) account: &'a str,
    /// When it was, as Meta says it; the same for each repetition.
    pub(super) time: Option<u64>,
    /// What kind it is.
    pub(super) field: &'a str,
    /// What it says.
    pub(super) value: &'a Value,
}

/// Every change of every entry.
pub(super) fn changes(body: &Value) -> impl Iterator<Item = Change<'_>> {
    list(body, "entry").flat_map(|entry| {
        let account = text(entry, "id").unwrap_or_default();
        list(entry, "changes").filter_map(move |change| {
            Some(Change {
                account,
                time: seconds(entry, "time"),
                field: text(change, "field")?,
                value: change.get("value")?,
            })
        })
    })
}

/// A list in an object; nothing if it is not there.
pub(super) fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    let items = value.get(name).and_then(Value::as_array);
    items.into_iter().flatten()
}

/// A text in an object.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

/// The id of a message. One that is longer than any of Meta's is none, and fits into no key.
pub(super) fn message_id(value: &Value) -> Option<&str> {
    text(value, "id").filter(|id| id.len() <= MAX_ID_BYTES)
}

/// A time in seconds. Meta writes it as a text.
pub(super) fn seconds(value: &Value, name: &str) -> Option<u64> {
    match value.get(name)? {
        Value::String(digits) => digits.parse().ok(),
        number => number.as_u64(),
    }
}

/// The JID of somebody whom Meta calls by this `wa_id`.
pub(super) fn jid(wa_id: &str) -> String {
    format!("{wa_id}@s.whatsapp.net")
}
