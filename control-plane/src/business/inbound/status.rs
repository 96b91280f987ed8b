//! How far a sent message got, as the contract's `messages.update`.
//!
//! <https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages/status>

use pombal_domain::{EventId, EventName, Instance};
use serde_json::{Value, json};

use super::{jid, message_id, text};
use crate::business::stream::Fact;

/// The event of a status: `SENT`, `DELIVERED`, `READ`, `FAILED`, or what Meta adds to these.
/// `None`: it does not say what it is, or of what.
pub(in crate::business) fn status(row: &Instance, status: &Value) -> Option<Fact> {
    let message = message_id(status)?;
    let recipient = jid(text(status, "recipient_id")?);
    let reached = text(status, "status")?.to_uppercase();
    let event = EventName::MessagesUpdate;
    let mut data = json!({
        "keyId": message,
        "remoteJid": recipient,
        "fromMe": false,
        "participant": recipient,
        "status": reached,
        "instanceId": row.id,
    });
    if let Some(errors) = status.get("errors") {
        data["errors"] = errors.clone();
    }
    Some(Fact {
        id: EventId::derive(row.id, &[event.dotted(), message, &recipient, &reached]),
        event,
        data,
        only_to: None,
    })
}
