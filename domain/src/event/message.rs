//! Messages as the contract shows them (§ 3.3).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::InstanceId;
use crate::jid::MessageId;

/// What names a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageKey {
    /// The chat.
    pub remote_jid: String,
    /// The chat's other identity (LID for a phone number, and the reverse), when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_jid_alt: Option<String>,
    /// Whether the instance's own account wrote it.
    pub from_me: bool,
    /// The message id.
    pub id: MessageId,
    /// The author, in groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant: Option<String>,
    /// The author's other identity, in groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant_alt: Option<String>,
    /// `pn` or `lid`: what the sender addressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addressing_mode: Option<String>,
}

/// How far a message got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MessageStatus {
    /// It will not be sent.
    Error,
    /// Accepted here, not yet by WhatsApp.
    Pending,
    /// WhatsApp has it.
    ServerAck,
    /// It reached the recipient's device.
    DeliveryAck,
    /// It was read.
    Read,
    /// It was played.
    Played,
    /// It was revoked.
    Deleted,
}

impl MessageStatus {
    /// The status as the contract spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Pending => "PENDING",
            Self::ServerAck => "SERVER_ACK",
            Self::DeliveryAck => "DELIVERY_ACK",
            Self::Read => "READ",
            Self::Played => "PLAYED",
            Self::Deleted => "DELETED",
        }
    }
}

/// A message: `data` of `messages.upsert` and `send.message`, and the reply of a send.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageData {
    /// What names it.
    pub key: MessageKey,
    /// The author's own name for themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push_name: Option<String>,
    /// How far it got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<MessageStatus>,
    /// The content, as protobuf JSON.
    pub message: Value,
    /// Quotes, mentions, forwarding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_info: Option<Value>,
    /// The name of the content's one field: `conversation`, `imageMessage`…
    pub message_type: String,
    /// When it was written, in seconds since the Unix epoch.
    pub message_timestamp: u64,
    /// The instance.
    pub instance_id: InstanceId,
    /// The kind of client that wrote it.
    pub source: String,
}

/// A message got further: `data` of `messages.update`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageUpdate {
    /// The message id.
    pub key_id: MessageId,
    /// The chat.
    pub remote_jid: String,
    /// Whether the instance's own account wrote it.
    pub from_me: bool,
    /// Whose receipt it is, in groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant: Option<String>,
    /// How far it got.
    pub status: MessageStatus,
    /// The instance.
    pub instance_id: InstanceId,
    /// Why, when the status is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
