//! The adapter for SQS.
//!
//! # What SQS does differently
//!
//! - A batch is no transaction. Messages of it that SQS refuses for a moment are sent again, in
//!   their order, until all are in or the tries are used up; then the caller sends the batch
//!   again. On a FIFO queue the deduplication id makes that harmless. But a message sent again
//!   comes after those of its group that were taken at once: consumers that need the order look
//!   at the event's `seq`.
//! - Times are whole seconds. Waits, delays and timeouts are rounded up.
//! - A standard queue may take an acknowledgement with an expired receipt.
//! - Throughput is per message group, and deduplication ids are remembered per group: see
//!   [`Queues::create_if_missing`].

mod body;
mod create;
mod receive;
mod send;
mod settle;

pub use create::settings;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;

pub use body::ATTRIBUTE as BODY_ATTRIBUTE;

use super::{Error, Incoming, Outgoing, Queue, QueueOptions, Receipt, check};

/// Tries of what SQS refused of a batch, the first included.
const TRIES: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The queues whose names begin in the same way: those of one deployment. A cheap clone.
#[derive(Debug, Clone)]
pub struct Queues {
    client: Client,
    prefix: Arc<str>,
    /// The addresses up to the names, with a slash at the end, where they are known.
    base: Option<Arc<str>>,
}

impl Queues {
    /// The queues called `<prefix><name>`, with `.fifo` behind it where SQS wants it.
    #[must_use]
    pub fn new(client: Client, prefix: &str) -> Self {
        Self {
            client,
            prefix: prefix.into(),
            base: None,
        }
    }

    /// The queues whose addresses begin with `url`, the beginning of their names included, such
    /// as `https://sqs.us-east-1.amazonaws.com/123456789012/pombal-`. They are not looked up.
    #[must_use]
    pub fn at(client: Client, url: &str) -> Self {
        let (base, prefix) = url.split_at(url.rfind('/').map_or(0, |slash| slash + 1));
        Self {
            client,
            prefix: prefix.into(),
            base: Some(base.into()),
        }
    }

    /// How the names begin.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The queue called `name`; looked up first unless its address is known. Its visibility timeout is that of `options`, whatever
    /// the queue's own is; where its dead letters go is the queue's own affair.
    ///
    /// # Errors
    /// [`Error::Storage`], also when it is looked up and does not exist; [`Error::Invalid`] for
    /// a visibility timeout beyond [`super::MAX_VISIBILITY`].
    pub async fn queue(&self, name: &str, options: &QueueOptions) -> Result<Arc<dyn Queue>, Error> {
        check::visibility(options.visibility)?;
        let url = self.url(&self.full_name(name, options.fifo)).await?;
        Ok(Arc::new(SqsQueue {
            client: self.client.clone(),
            url,
            fifo: options.fifo,
            visibility: seconds(options.visibility),
        }))
    }

    /// The dead-letter queue of the queue called `name`, to be received from like any other.
    ///
    /// # Errors
    /// Those of [`Self::queue`].
    pub async fn dead_letters(
        &self,
        name: &str,
        options: &QueueOptions,
    ) -> Result<Arc<dyn Queue>, Error> {
        self.queue(&dead_name(name), options).await
    }

    fn full_name(&self, name: &str, fifo: bool) -> String {
        let suffix = if fifo { ".fifo" } else { "" };
        format!("{}{name}{suffix}", self.prefix)
    }

    async fn url(&self, full_name: &str) -> Result<String, Error> {
        if let Some(base) = &self.base {
            return Ok(format!("{base}{full_name}"));
        }
        let found = self.client.get_queue_url().queue_name(full_name);
        let found = found.send().await.map_err(Error::storage)?;
        found
            .queue_url
            .ok_or_else(|| Error::storage("SQS gave no address for the queue"))
    }
}

/// The body of a message that somebody else has received: its text, and the binary value of its
/// attribute [`BODY_ATTRIBUTE`] if it has one. `None` when it is not ours.
#[must_use]
pub fn body_of(text: String, attribute: Option<Vec<u8>>) -> Option<String> {
    match attribute {
        Some(bytes) => String::from_utf8(bytes).ok(),
        None => Some(text),
    }
}

fn dead_name(name: &str) -> String {
    format!("{name}-dlq")
}

/// One queue of SQS.
struct SqsQueue {
    client: Client,
    url: String,
    fifo: bool,
    /// In seconds.
    visibility: i32,
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), Error> {
        check::batch(messages, self.fifo)?;
        for part in send::parts(messages) {
            self.send_part(part).await?;
        }
        Ok(())
    }

    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Incoming>, Error> {
        self.poll(max, wait).await
    }

    async fn ack(&self, receipts: &[Receipt]) -> Result<(), Error> {
        for part in receipts.chunks(super::MAX_BATCH) {
            self.delete(part).await?;
        }
        Ok(())
    }

    async fn extend(&self, receipt: &Receipt, visibility: Duration) -> Result<(), Error> {
        check::visibility(visibility)?;
        self.hide(receipt, seconds(visibility)).await
    }
}

/// Whole seconds, rounded up.
fn seconds(time: Duration) -> i32 {
    let whole = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    i32::try_from(whole).unwrap_or(i32::MAX)
}

/// Before try number `attempt` (from 1) of what was refused: random, and longer each time.
async fn pause(attempt: u32) {
    let longest = FIRST_PAUSE * 2_u32.saturating_pow(attempt);
    tokio::time::sleep(longest.mul_f64(rand::random_range(0.0..1.0))).await;
}

#[cfg(test)]
mod tests;
