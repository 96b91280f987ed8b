//! Sinks beside the webhook: which events a subscriber elsewhere gets.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::event::EventName;
use crate::time::UnixMs;

/// A kind of sink that is configured per instance (contract § 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SinkKind {
    /// Socket.io subscribers.
    Websocket,
    /// Queues of the customer's own AWS account.
    Sqs,
}

impl SinkKind {
    /// The name in routes and bodies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Websocket => "websocket",
            Self::Sqs => "sqs",
        }
    }
}

/// One sink of one instance, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkConfig {
    /// Identity of the row, kept over changes.
    pub id: Uuid,
    /// Off keeps the row but delivers nothing.
    pub enabled: bool,
    /// The events to deliver.
    pub events: Vec<EventName>,
    /// When the row was made.
    pub created_at: UnixMs,
    /// When it last changed.
    pub updated_at: UnixMs,
}
