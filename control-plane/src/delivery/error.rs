//! Why an event could not be processed. It stays in its queue and is tried again.

use pombal_store::{queue, registry};

/// A step of the delivery failed on our side.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The instance's row can't be read or written.
    #[error("registry failed")]
    Registry(#[source] registry::Error),
    /// A message can't be sent or acknowledged.
    #[error("queue failed")]
    Queue(#[source] queue::Error),
    /// A body can't be written as JSON.
    #[error("body can't be encoded")]
    Encode(#[source] serde_json::Error),
    /// A mistake in the code, met by one message; others are none the worse for it. What it was
    /// stands on standard error.
    #[error("panicked")]
    Panicked,
    /// Too little time is left for an attempt.
    #[error("no time is left for an attempt")]
    NoTime,
}
