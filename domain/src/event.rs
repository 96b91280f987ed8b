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
    /// Where it goes although the instance is gone.
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
    /// Where its events went.
    pub webhook: WebhookConfig,
}

/// The state of the instance after an event, to be written on its row by whoever consumes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Projection(pub Box<Observed>);
