//! A received message as the contract's `messages.upsert`.

use pombal_domain::event::{MessageData, MessageKey};
use pombal_domain::time::UnixMs;
use pombal_domain::{EventId, EventName, GraphId, Instance, InstanceId, MessageId};
use serde_json::{Value, json};

use super::content::{self, Content};
use super::{context, jid, list, seconds, text};
use crate::business::stream::Fact;

/// What the contract calls the client that has written a message of the Cloud API.
const SOURCE: &str = "unknown";

/// A message that can become an event.
pub(in crate::business) struct InboundMessage {
    /// The event's id: that of the message, whoever tells of it and however often.
    pub(in crate::business) id: EventId,
    /// The medium that Meta keeps for us.
    pub(in crate::business) medium: Option<GraphId>,
    data: MessageData,
}

impl InboundMessage {
    /// Reads a message. Everything is taken from the message itself, and the name from the
    /// contact of that very sender. `None`: it does not say what it is, or of whom.
    pub(in crate::business) fn read(
        row: &Instance,
        value: &Value,
        message: &Value,
    ) -> Option<Self> {
        let id = super::message_id(message)?;
        // Written on the phone that shares the number: `from` is the number itself then.
        let echo = text(message, "to");
        let person = echo.or_else(|| text(message, "from"))?;
        let Content { kind, body, medium } = content::of(message)?;
        let data = MessageData {
            key: MessageKey {
                remote_jid: jid(person),
                remote_jid_alt: None,
                from_me: echo.is_some(),
                id: MessageId::from_wire(id),
                participant: None,
                participant_alt: None,
                addressing_mode: None,
            },
            push_name: echo.is_none().then(|| name(value, person)).flatten(),
            status: None,
            message: body,
            context_info: context::of(message),
            message_type: kind,
            message_timestamp: seconds(message, "timestamp")
                .unwrap_or_else(|| UnixMs::now().seconds()),
            instance_id: row.id,
            source: SOURCE.to_owned(),
        };
        Some(Self {
            id: event_id(row.id, id),
            medium,
            data,
        })
    }

    /// Says where the medium is.
    pub(in crate::business) fn set_media_url(&mut self, url: &str) {
        if let Some(message) = self.data.message.as_object_mut() {
            message.insert("mediaUrl".to_owned(), json!(url));
        }
    }

    /// The event.
    pub(in crate::business) fn fact(self) -> Result<Fact, serde_json::Error> {
        Ok(Fact {
            id: self.id,
            event: EventName::MessagesUpsert,
            data: serde_json::to_value(self.data)?,
            only_to: None,
        })
    }
}

/// The id of a message's event. Meta's ids are unique, so the chat does not matter.
fn event_id(instance: InstanceId, message: &str) -> EventId {
    EventId::derive(instance, &[EventName::MessagesUpsert.dotted(), message])
}

/// The sender of a message as `contacts.upsert`. It is one event as long as the name stays.
pub(in crate::business) fn contact(row: &Instance, value: &Value, message: &Value) -> Option<Fact> {
    let from = text(message, "from").filter(|_| text(message, "to").is_none())?;
    let name = name(value, from)?;
    let remote = jid(from);
    let event = EventName::ContactsUpsert;
    Some(Fact {
        id: EventId::derive(row.id, &[event.dotted(), &remote, &name]),
        event,
        data: json!({
            "remoteJid": remote,
            "pushName": name,
            "profilePicUrl": null,
            "instanceId": row.id,
        }),
        only_to: None,
    })
}

/// The name of the contact with this id, not of any that stands beside it.
fn name(value: &Value, wa_id: &str) -> Option<String> {
    let contact = list(value, "contacts").find(|contact| text(contact, "wa_id") == Some(wa_id))?;
    let name = text(contact.get("profile")?, "name")?;
    (!name.is_empty()).then(|| name.to_owned())
}
