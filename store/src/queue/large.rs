//! Bodies too large for a queue: they go to a bucket, and the queue carries a pointer.
//!
//! [`LargeBodies`] is a queue around a queue. Objects are never removed by it: an
//! acknowledgement may come with an expired receipt, when somebody else holds the message and
//! still needs its body, and dead letters need theirs too. The bucket's lifecycle removes them
//! when no queue can hold their pointer any more: [`KEPT_DAYS`] days.

mod bodies;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::{join_all, try_join_all};
use object_store::ObjectStore;
use pombal_domain::Chain;

pub use bodies::Bodies;

use super::{Error, Incoming, MAX_BATCH, Outgoing, Queue, Receipt};

/// Largest body in bytes.
pub const MAX_LARGE_BODY_BYTES: usize = 32 * 1024 * 1024;
/// Bodies beyond this many bytes go to the bucket: SQS bills by 64 KB, a PUT costs twelve of
/// these.
pub const INLINE_BYTES: usize = 200 * 1024;
/// The lifecycle rule of the bucket: a message and its dead letter live 14 days each at most.
pub const KEPT_DAYS: u32 = 30;

/// Pause before a message whose body could not be fetched is tried again.
const FETCH_AGAIN: Duration = Duration::from_secs(5);

/// A queue for bodies up to [`MAX_LARGE_BODY_BYTES`].
pub struct LargeBodies {
    queue: Arc<dyn Queue>,
    bodies: Bodies,
}

/// Messages with their bodies, and those whose bodies are missing.
#[derive(Debug, Default)]
pub struct Restored {
    /// To be worked on.
    pub whole: Vec<Incoming>,
    /// To be given back: their body can't be had now, or that of one before them in their
    /// group.
    pub back: Vec<Incoming>,
}

impl LargeBodies {
    /// Puts large bodies of `queue` into `bucket`, below `root`.
    #[must_use]
    pub fn new(queue: Arc<dyn Queue>, bucket: Arc<dyn ObjectStore>, root: &str) -> Self {
        let bodies = Bodies::new(bucket, root);
        Self { queue, bodies }
    }

    /// Where the bodies are.
    #[must_use]
    pub fn bodies(&self) -> &Bodies {
        &self.bodies
    }

    /// Fetches the bodies of messages that somebody else has received from the queue.
    pub async fn restore(&self, received: Vec<Incoming>) -> Restored {
        let fetched = join_all(received.into_iter().map(|m| self.fetch(m))).await;
        let (mut restored, mut stopped) = (Restored::default(), HashSet::new());
        for message in fetched {
            match message {
                // Behind one of its group that is given back.
                Ok(message) if message.group.as_ref().is_some_and(|g| stopped.contains(g)) => {
                    restored.back.push(message);
                }
                Ok(message) => restored.whole.push(message),
                Err(message) => {
                    stopped.extend(message.group.clone());
                    restored.back.push(message);
                }
            }
        }
        restored
    }

    /// The message with a pointer for its body, if that is large.
    async fn shrink(&self, message: &Outgoing) -> Result<Outgoing, Error> {
        Ok(Outgoing {
            body: self.bodies.shrink(&message.body, INLINE_BYTES).await?,
            ..message.clone()
        })
    }

    /// The message with its body, or as it came.
    async fn fetch(&self, message: Incoming) -> Result<Incoming, Incoming> {
        match self.bodies.restore(&message.body).await {
            Ok(body) => Ok(Incoming { body, ..message }),
            Err(error) => {
                tracing::error!(error = %Chain(&error), "body of a message not fetched");
                Err(message)
            }
        }
    }

    /// Gives messages back, the last one first, so that a group never comes in another order.
    async fn give_back(&self, messages: &[Incoming]) {
        for message in messages.iter().rev() {
            if let Err(error) = self.queue.release(&message.receipt, FETCH_AGAIN).await {
                tracing::warn!(error = %Chain(&error), "message not released");
            }
        }
    }
}

#[async_trait]
impl Queue for LargeBodies {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), Error> {
        if messages.len() > MAX_BATCH {
            return Err(Error::Invalid("more than 10 messages in a batch"));
        }
        if messages.iter().any(|m| m.body.len() > MAX_LARGE_BODY_BYTES) {
            return Err(Error::Invalid("body beyond 32 MiB"));
        }
        let small = try_join_all(messages.iter().map(|m| self.shrink(m))).await?;
        self.queue.send(&small).await
    }

    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Incoming>, Error> {
        let received = self.queue.receive(max, wait).await?;
        let Restored { whole, back } = self.restore(received).await;
        self.give_back(&back).await;
        Ok(whole)
    }

    async fn ack(&self, receipts: &[Receipt]) -> Result<(), Error> {
        self.queue.ack(receipts).await
    }

    async fn extend(&self, receipt: &Receipt, visibility: Duration) -> Result<(), Error> {
        self.queue.extend(receipt, visibility).await
    }

    async fn release(&self, receipt: &Receipt, delay: Duration) -> Result<(), Error> {
        self.queue.release(receipt, delay).await
    }
}

#[cfg(test)]
mod tests;
