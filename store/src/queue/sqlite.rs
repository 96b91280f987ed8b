//! The embedded adapter: all queues in one `SQLite` file.
//!
//! One thread owns the connection. Whatever waits for it when it is free (sends, receives,
//! acknowledgements, of all queues) runs in one transaction, so that many callers share one
//! sync to disk; each gets its answer after the commit. Receivers that find nothing are parked
//! with that thread, which serves them as soon as it makes a message available or a timeout
//! ends.
//!
//! The file can be open once at a time. Whoever received from it is gone when it is opened
//! again, so messages in flight are available at once then, with their attempts counted;
//! what was given back with a delay keeps it.

mod clock;
mod dead;
mod receive;
mod schema;
mod send;
mod settle;
mod waiting;
mod writer;

#[cfg(test)]
mod tests;

pub use dead::DeadLetter;
pub use schema::Durability;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::{Error, Incoming, Outgoing, Queue, QueueOptions, Receipt, check};
use clock::Clock;
use receive::Source;
use writer::Writer;

/// A receiver that wants to wait longer asks again.
const MAX_WAIT: Duration = Duration::from_secs(3600);

/// A file of queues. A cheap clone; the file is closed when the last clone and the last queue
/// are gone.
#[derive(Clone)]
pub struct QueueFile {
    writer: Writer,
}

impl QueueFile {
    /// Opens the file, or makes it, with [`Durability::Full`]. Blocks on the disk for a
    /// moment, and up to five seconds if the file is still open elsewhere.
    ///
    /// # Errors
    /// [`Error::Storage`], also when the file stays open elsewhere.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(path, Durability::default())
    }

    /// As [`Self::open`], with a choice of durability.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn open_with(path: impl AsRef<Path>, durability: Durability) -> Result<Self, Error> {
        let clock = Clock::start();
        let connection = schema::open(path.as_ref(), clock.now()).map_err(Error::storage)?;
        Ok(Self {
            writer: Writer::start(connection, durability, clock).map_err(Error::storage)?,
        })
    }

    /// The queue called `name`, made if it is new. With `max_receives` set it has a
    /// dead-letter queue called `<name>-dlq`, which can be opened like any other. Blocks for
    /// one commit.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the queue exists with the other kind of order, or the
    /// visibility timeout is beyond [`super::MAX_VISIBILITY`]; [`Error::Storage`].
    pub fn queue(&self, name: &str, options: QueueOptions) -> Result<Arc<dyn Queue>, Error> {
        check::visibility(options.visibility)?;
        let name = name.to_owned();
        let source = self.writer.call_blocking(move |turn| {
            let id = schema::queue(turn.tx, &name, options.fifo)?;
            let dead = match options.max_receives {
                Some(limit) => {
                    schema::queue(turn.tx, &dead::name(&name), options.fifo)?.map(|id| (id, limit))
                }
                None => None,
            };
            Ok(id.map(|id| Source {
                queue: id,
                fifo: options.fifo,
                visibility_ms: clock::millis(options.visibility),
                dead,
            }))
        })?;
        let source = source.ok_or(Error::Invalid(
            "the queue exists with another kind of order",
        ))?;
        Ok(Arc::new(SqliteQueue {
            writer: self.writer.clone(),
            source,
        }))
    }

    /// What is in the dead-letter queue of the queue called `name`, oldest first.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn dead_letters(&self, name: &str) -> Result<Vec<DeadLetter>, Error> {
        let name = dead::name(name);
        self.writer
            .call(move |turn| dead::list(turn.tx, &name))
            .await
    }
}

struct SqliteQueue {
    writer: Writer,
    source: Source,
}

#[async_trait]
impl Queue for SqliteQueue {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), Error> {
        check::batch(messages, self.source.fifo)?;
        if messages.is_empty() {
            return Ok(());
        }
        let (queue, messages) = (self.source.queue, messages.to_vec());
        self.writer
            .call(move |turn| send::send(turn, queue, &messages))
            .await
    }

    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Incoming>, Error> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let until = Instant::now() + wait.min(MAX_WAIT);
        self.writer.receive(self.source, max, until).await
    }

    async fn ack(&self, receipts: &[Receipt]) -> Result<(), Error> {
        if receipts.is_empty() {
            return Ok(());
        }
        let (queue, receipts) = (self.source.queue, receipts.to_vec());
        self.writer
            .call(move |turn| settle::ack(turn, queue, &receipts))
            .await
    }

    async fn extend(&self, receipt: &Receipt, visibility: Duration) -> Result<(), Error> {
        self.hide(receipt, visibility, false).await
    }

    async fn release(&self, receipt: &Receipt, delay: Duration) -> Result<(), Error> {
        self.hide(receipt, delay, true).await
    }
}

impl SqliteQueue {
    async fn hide(&self, receipt: &Receipt, time: Duration, returned: bool) -> Result<(), Error> {
        check::visibility(time)?;
        let (queue, receipt) = (self.source.queue, receipt.clone());
        let found = self
            .writer
            .call(move |turn| settle::hide(turn, queue, &receipt, clock::millis(time), returned))
            .await?;
        if found {
            Ok(())
        } else {
            Err(Error::ReceiptExpired)
        }
    }
}
