//! Durable queues with the semantics of SQS.
//!
//! A FIFO queue hands out the messages of one group in order and only one batch of a group
//! at a time: while a message of a group is in flight, later ones of it wait. A standard queue
//! has no groups. Delivery is at least once.

#[cfg(any(feature = "aws", feature = "embedded"))]
mod check;
mod held;
pub mod large;
pub mod plan;
#[cfg(feature = "embedded")]
pub mod sqlite;
#[cfg(feature = "aws")]
pub mod sqs;

use std::time::Duration;

use async_trait::async_trait;
use pombal_domain::Event;
use serde::Serialize;

pub use held::{Held, by_group};

/// Most messages in one batch, as SQS allows.
pub const MAX_BATCH: usize = 10;
/// Longest delay of a message. <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-delay-queues.html>
pub const MAX_DELAY: Duration = Duration::from_secs(900);
/// How long a deduplication id is remembered. FIFO queues of SQS: five minutes.
pub const DEDUP_WINDOW: Duration = Duration::from_secs(300);
/// Longest visibility timeout: twelve hours on SQS.
pub const MAX_VISIBILITY: Duration = Duration::from_secs(43_200);
/// Longest group or deduplication id in characters, as SQS allows.
pub const MAX_ID_CHARS: usize = 128;
/// Largest body in bytes. SQS takes 1 MiB with attributes; one KiB is left for these.
pub const MAX_BODY_BYTES: usize = 1024 * 1024 - 1024;

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The body: not empty, at most [`MAX_BODY_BYTES`].
    pub body: String,
    /// The group, on FIFO queues.
    pub group: Option<String>,
    /// The deduplication id, on FIFO queues: a second send within [`DEDUP_WINDOW`] to the same
    /// group is dropped.
    pub dedup: Option<String>,
    /// Hidden for so long first, on standard queues only; at most [`MAX_DELAY`].
    pub delay: Duration,
}

impl Outgoing {
    /// A message for a FIFO queue, with `body` as JSON.
    ///
    /// # Errors
    /// When `body` does not serialise.
    pub fn fifo(
        body: &impl Serialize,
        group: String,
        dedup: String,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self {
            body: serde_json::to_string(body)?,
            group: Some(group),
            dedup: Some(dedup),
            delay: Duration::ZERO,
        })
    }

    /// The message of an event: in order within its instance, and the same however often it is
    /// sent.
    ///
    /// # Errors
    /// When the event does not serialise.
    pub fn event(event: &Event) -> Result<Self, serde_json::Error> {
        Self::fifo(event, event.instance.to_string(), event.id.to_string())
    }
}

/// A message received. It is hidden from others until its visibility timeout ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// The body.
    pub body: String,
    /// The group, on FIFO queues.
    pub group: Option<String>,
    /// How often it has been received, this time included.
    pub attempts: u32,
    /// The handle for [`Queue::ack`] and its like.
    pub receipt: Receipt,
}

/// Names one receipt of one message. Worthless once its visibility timeout has ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Receipt(pub String);

/// A queue failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The message can't be sent as it is.
    #[error("message refused: {0}")]
    Invalid(&'static str),
    /// The receipt's visibility timeout has ended, or the message is gone.
    #[error("receipt is no longer valid")]
    ReceiptExpired,
    /// The storage below failed.
    #[error("queue storage failed")]
    Storage(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// One durable queue.
#[async_trait]
pub trait Queue: Send + Sync + 'static {
    /// Sends at most [`MAX_BATCH`] messages in order. Returns when all of them are durable.
    /// Sending nothing is no error.
    ///
    /// After [`Error::Invalid`] none was sent. After another error some may have been: SQS has
    /// no transaction over a batch. Send the batch again then; a FIFO queue drops what it has.
    ///
    /// # Errors
    /// [`Error::Invalid`] for more than [`MAX_BATCH`] messages, a body that is empty
    /// or beyond [`MAX_BODY_BYTES`], a FIFO message with a delay or without group or deduplication id, a
    /// standard message with one of these or beyond [`MAX_DELAY`], or an id that is empty,
    /// beyond [`MAX_ID_CHARS`] or not printable ASCII; [`Error::Storage`].
    async fn send(&self, messages: &[Outgoing]) -> Result<(), Error>;

    /// Receives up to `max` messages, and never more than [`MAX_BATCH`], waiting up to `wait`
    /// (on SQS rounded up to whole seconds) for the first one (long poll). Of a FIFO queue one call may return several messages of
    /// one group, in order.
    ///
    /// # Errors
    /// [`Error::Storage`].
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Incoming>, Error>;

    /// Removes messages. Those whose receipt has expired are skipped; a standard queue of SQS
    /// may remove them all the same.
    ///
    /// # Errors
    /// [`Error::Storage`].
    async fn ack(&self, receipts: &[Receipt]) -> Result<(), Error>;

    /// Hides a message for `visibility` from now on.
    ///
    /// # Errors
    /// [`Error::ReceiptExpired`]; [`Error::Invalid`] beyond [`MAX_VISIBILITY`];
    /// [`Error::Storage`].
    async fn extend(&self, receipt: &Receipt, visibility: Duration) -> Result<(), Error>;

    /// Gives a message back, to be received again after `delay`. On a FIFO queue the rest of
    /// its group waits for it.
    ///
    /// # Errors
    /// Those of [`Self::extend`].
    async fn release(&self, receipt: &Receipt, delay: Duration) -> Result<(), Error> {
        self.extend(receipt, delay).await
    }
}

impl Error {
    pub(crate) fn storage(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Storage(source.into())
    }
}

/// How a queue behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueOptions {
    /// FIFO, with groups and deduplication.
    pub fifo: bool,
    /// How long a received message stays hidden.
    pub visibility: Duration,
    /// After so many receives a message goes to the dead-letter queue instead of being
    /// received once more.
    pub max_receives: Option<u32>,
}
