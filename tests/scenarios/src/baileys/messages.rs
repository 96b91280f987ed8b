//! The messages that Baileys tells, and how far its own ones got.

use serde_json::Value;

use super::Baileys;
use crate::wait::{PATIENCE, eventually};

impl Baileys {
    /// Every message of `messages.upsert` so far, in order.
    #[must_use]
    pub fn messages(&self) -> Vec<Value> {
        let upserts = self.events("messages.upsert").into_iter();
        upserts
            .flat_map(|upsert| upsert["messages"].as_array().cloned().unwrap_or_default())
            .collect()
    }

    /// The texts that others sent, in order, as often as they were told.
    #[must_use]
    pub fn texts(&self) -> Vec<(String, String)> {
        let messages = self.messages().into_iter();
        messages
            .filter(|message| message["key"]["fromMe"] == false)
            .filter_map(|message| {
                let id = message["key"]["id"].as_str()?.to_owned();
                Some((id, text_of(&message)?.to_owned()))
            })
            .collect()
    }

    /// Whether Baileys was told that the message with this id got as far as `status`, in an
    /// update or together with the message itself.
    #[must_use]
    pub fn was_told(&self, id: &str, status: Status) -> bool {
        let updates = self.events("messages.update").into_iter();
        let mut updates = updates
            .flat_map(|batch| batch.as_array().cloned().unwrap_or_default())
            .filter(|update| update["key"]["id"] == id);
        let mut messages = self.messages().into_iter();
        updates.any(|update| Status::read(&update["update"]["status"]) >= Some(status))
            || messages.any(|told| {
                told["key"]["id"] == id && Status::read(&told["status"]) >= Some(status)
            })
    }

    /// Waits for the message with this id.
    pub async fn message(&self, id: &str) -> Value {
        let what = format!("{} gets message {id}", self.phone);
        eventually(&what, PATIENCE, async || {
            self.lines.assert_alive();
            let mut messages = self.messages().into_iter();
            messages.find(|message| message["key"]["id"] == id)
        })
        .await
    }
}

/// How far a message got. Baileys tells it as a number or by the name that it has in the
/// protocol (`WebMessageInfo.Status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// The server has it.
    Server = 2,
    /// A device of the recipient has it.
    Delivered = 3,
    /// The recipient has read it.
    Read = 4,
}

impl Status {
    fn read(told: &Value) -> Option<Self> {
        match (told.as_u64(), told.as_str()) {
            (Some(2), _) | (_, Some("SERVER_ACK")) => Some(Self::Server),
            (Some(3), _) | (_, Some("DELIVERY_ACK")) => Some(Self::Delivered),
            (Some(4), _) | (_, Some("READ")) => Some(Self::Read),
            _ => None,
        }
    }
}

/// The text of a message, in either of the forms that clients send.
fn text_of(message: &Value) -> Option<&str> {
    let content = &message["message"];
    let extended = &content["extendedTextMessage"]["text"];
    content["conversation"].as_str().or(extended.as_str())
}
