//! What Meta posts to `/webhook/meta`, and its signature.
//!
//! - <https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components>
//! - <https://developers.facebook.com/docs/graph-api/webhooks/getting-started>

use ring::hmac;
use serde_json::{Value, json};

use crate::Number;

/// The value of `X-Hub-Signature-256` for a body.
#[must_use]
pub fn signature(app_secret: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, app_secret.as_bytes());
    let tag = hmac::sign(&key, body.as_bytes());
    format!("sha256={}", hex::encode(tag))
}

/// A webhook of several entries: pairs of an account and its changes.
#[must_use]
pub fn of_entries(entries: &[(&str, Vec<Value>)]) -> Value {
    let entries: Vec<_> = entries
        .iter()
        .map(|(account, changes)| json!({ "id": account, "time": 1, "changes": changes }))
        .collect();
    json!({ "object": "whatsapp_business_account", "entry": entries })
}

/// A webhook of one change.
#[must_use]
pub fn of(number: &Number, change: Value) -> Value {
    of_entries(&[(&number.account, vec![change])])
}

/// A change with messages. Their senders are the contacts, the last one first: whoever takes
/// the first contact for the sender is wrong.
#[must_use]
pub fn messages(number: &Number, messages: &[Value]) -> Value {
    let contacts: Vec<_> = messages
        .iter()
        .rev()
        .map(|message| {
            let from = message["from"].as_str().unwrap_or_default();
            json!({ "wa_id": from, "profile": { "name": name_of(from) } })
        })
        .collect();
    let mut value = value(number);
    value["contacts"] = json!(contacts);
    value["messages"] = json!(messages);
    json!({ "field": "messages", "value": value })
}

/// A change with statuses.
#[must_use]
pub fn statuses(number: &Number, statuses: &[Value]) -> Value {
    let mut value = value(number);
    value["statuses"] = json!(statuses);
    json!({ "field": "messages", "value": value })
}

/// A change of a template's status.
#[must_use]
pub fn template_status(template: &str, name: &str, event: &str) -> Value {
    json!({
        "field": "message_template_status_update",
        "value": {
            "event": event,
            "message_template_id": template.parse::<u64>().unwrap(),
            "message_template_name": name,
            "message_template_language": "pt_BR",
            "reason": "NONE",
        },
    })
}

/// What somebody is called.
#[must_use]
pub fn name_of(from: &str) -> String {
    format!("Name of {from}")
}

/// A text.
#[must_use]
pub fn text(from: &str, id: &str, text: &str) -> Value {
    message(from, id, "text", json!({ "body": text }))
}

/// A message of any kind.
#[must_use]
pub fn message(from: &str, id: &str, kind: &str, content: Value) -> Value {
    let mut message = json!({
        "from": from, "id": id, "timestamp": "1795182896", "type": kind,
    });
    message[kind] = content;
    message
}

/// How far a sent message got: `sent`, `delivered`, `read` or `failed`.
#[must_use]
pub fn status(id: &str, to: &str, status: &str) -> Value {
    json!({ "id": id, "recipient_id": to, "status": status, "timestamp": "1795182896" })
}

fn value(number: &Number) -> Value {
    json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "15550001111", "phone_number_id": number.id },
    })
}
