//! The messages in the retry queue and in the dead-letter queue.

use std::time::Duration;

use pombal_domain::Event;
use pombal_domain::time::UnixMs;
use pombal_store::Queue;
use pombal_store::queue::Outgoing;
use serde::{Deserialize, Serialize};

use super::error::Error;

/// An event that waits for its next attempt, as it lies in the retry queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetryLetter {
    /// The event.
    pub event: Event,
    /// Attempts made so far.
    pub attempts: u32,
    /// Not to be tried before.
    pub due_at: UnixMs,
    /// Why the last attempt failed.
    pub error: String,
}

/// An event that was given up, or a message that can't be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
    /// The message as it came, when no event can be read from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Attempts made.
    pub attempts: u32,
    /// Why it was given up.
    pub error: String,
    /// When it was given up.
    pub died_at: UnixMs,
}

impl RetryLetter {
    /// How long it is still too early.
    pub(super) fn early_by(&self) -> Duration {
        self.due_at.until(UnixMs::now())
    }
}

impl DeadLetter {
    /// A message that nobody can read.
    pub(super) fn unreadable(body: String, error: String) -> Self {
        Self {
            event: None,
            body: Some(body),
            attempts: 0,
            error,
            died_at: UnixMs::now(),
        }
    }

    /// Puts the letter into the dead-letter queue.
    pub(super) async fn post(&self, dead: &dyn Queue) -> Result<(), Error> {
        let body = serde_json::to_string(self).map_err(Error::Encode)?;
        let message = outgoing(body, Duration::ZERO);
        dead.send(&[message]).await.map_err(Error::Queue)
    }
}

/// A letter as it lies in a queue.
pub(super) fn outgoing(body: String, delay: Duration) -> Outgoing {
    Outgoing {
        body,
        group: None,
        dedup: None,
        delay,
    }
}
