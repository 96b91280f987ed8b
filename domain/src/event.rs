//! Events: what an instance tells the outside world.

mod body;
mod history;
mod message;
mod name;
mod outgoing;

pub use body::{
    Call, ConnectionUpdate, EventBody, Itself, OwnProfile, QrcodeUpdated, StatusInstance,
    disconnection_object,
};
pub use history::{Contact, OldChat};
pub use message::{MessageData, MessageKey, MessageStatus, MessageUpdate};
pub use name::{EventName, UnknownEvent};
pub use outgoing::pending_text;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{Epoch, EventId, InstanceId, Seq};
use crate::instance::Observed;
use crate::name::InstanceName;
use crate::time::UnixMs;
use crate::webhook::WebhookConfig;

/// One event, as it travels in the events queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Idempotency key. A replay carries the same one.
    pub id: EventId,
    /// The instance it belongs to.
    pub instance: InstanceId,
    /// The instance's name, which never changes.
    pub name: InstanceName,
    /// Position in the instance's stream.
    pub seq: Seq,
    /// Epoch of the instance when the event was made: it grows with each owner of its shard,
    /// and with each change of shards.
    pub epoch: Epoch,
    /// When it was made.
    pub at: UnixMs,
    /// What kind it is.
    pub event: EventName,
    /// The contract's `data`.
    pub data: Value,
    /// The instance's own JID, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// It is told although the instance is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub farewell: Option<Farewell>,
    /// An address that alone gets the event's `data`, without the contract's envelope: where a
    /// client wants to hear of one template, or of one message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_to: Option<String>,
    /// What the event changes on the instance's row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projection: Option<Projection>,
}

/// What was on the row of a deleted instance for those who are told that it is gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Farewell {
    /// Where its events went; none if it had no webhook of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookConfig>,
}

/// The state of the instance after an event, to be written on its row by whoever consumes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Projection(pub Box<Observed>);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_farewell_may_be_without_a_webhook() {
        let webhook = json!({
            "id": "6f1c2f58-3b5b-4a6e-9d0a-0a3b8f6d2a11", "enabled": true, "url": "http://x",
            "headers": null, "by_events": false, "base64": false, "events": ["CALL"],
            "created_at": 0, "updated_at": 0,
        });
        // As it has always been written.
        let written = json!({ "webhook": webhook });
        let farewell: Farewell = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(farewell.webhook.as_ref().unwrap().url, "http://x");
        assert_eq!(serde_json::to_value(&farewell).unwrap(), written);
        let none: Farewell = serde_json::from_value(json!({})).unwrap();
        assert_eq!(none.webhook, None);
        assert_eq!(serde_json::to_value(&none).unwrap(), json!({}));
    }
}
