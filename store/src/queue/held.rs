//! Messages that we have received and not settled yet.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pombal_domain::Chain;
use tokio::time::sleep;

use super::{Error, Incoming, Queue, Receipt};

/// One batch, in order. Whatever is not settled has to be given back.
pub struct Held {
    queue: Arc<dyn Queue>,
    receipts: Mutex<Vec<Receipt>>,
    visibility: Duration,
}

impl Held {
    /// Holds the messages of these receipts, each hidden for `visibility` at a time.
    #[must_use]
    pub fn new(queue: Arc<dyn Queue>, receipts: Vec<Receipt>, visibility: Duration) -> Self {
        Self {
            queue,
            receipts: Mutex::new(receipts),
            visibility,
        }
    }

    /// Keeps the batch hidden from other receivers. Never returns.
    pub async fn keep(&self) {
        loop {
            sleep(self.visibility / 3).await;
            let receipts = self.receipts().clone();
            for receipt in receipts {
                match self.queue.extend(&receipt, self.visibility).await {
                    // Expired: settled in the meantime, or somebody else has it by now.
                    Ok(()) | Err(Error::ReceiptExpired) => {}
                    Err(error) => {
                        tracing::warn!(error = %Chain(&error), "message not extended");
                    }
                }
            }
        }
    }

    /// Removes one message of the batch from the queue.
    ///
    /// # Errors
    /// When the queue can't be reached; the message stays held.
    pub async fn settle(&self, receipt: &Receipt) -> Result<(), Error> {
        self.queue.ack(std::slice::from_ref(receipt)).await?;
        self.receipts().retain(|held| held != receipt);
        Ok(())
    }

    /// Gives back what is not settled, to be received again after `delay`. Last message first:
    /// while the first is held, a FIFO queue keeps back the later ones of its group.
    pub async fn release(&self, delay: Duration) {
        let receipts = std::mem::take(&mut *self.receipts());
        for receipt in receipts.iter().rev() {
            match self.queue.release(receipt, delay).await {
                Ok(()) | Err(Error::ReceiptExpired) => {}
                Err(error) => tracing::warn!(error = %Chain(&error), "message not released"),
            }
        }
    }

    fn receipts(&self) -> MutexGuard<'_, Vec<Receipt>> {
        self.receipts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Splits a batch by group and keeps the order within each. Messages without a group stand
/// alone.
#[must_use]
pub fn by_group(messages: Vec<Incoming>) -> Vec<Vec<Incoming>> {
    let mut batches: Vec<Vec<Incoming>> = Vec::new();
    for message in messages {
        let same = |batch: &&mut Vec<Incoming>| {
            message.group.is_some() && batch.first().is_some_and(|m| m.group == message.group)
        };
        match batches.iter_mut().find(same) {
            Some(batch) => batch.push(message),
            None => batches.push(vec![message]),
        }
    }
    batches
}
