//! A queue that fails on purpose.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use pombal_store::Queue;
use pombal_store::queue::{self, Incoming, Outgoing, Receipt};

/// A queue that refuses when it is told to.
pub(crate) struct Flaky {
    queue: Arc<dyn Queue>,
    refused: AtomicU32,
}

impl Flaky {
    /// Takes everything until it is told otherwise.
    pub(crate) fn new(queue: Arc<dyn Queue>) -> Self {
        let refused = AtomicU32::new(0);
        Self { queue, refused }
    }

    /// Refuses the next so many batches.
    pub(crate) fn refuse(&self, batches: u32) {
        self.refused.store(batches, Ordering::SeqCst);
    }
}

#[async_trait]
impl Queue for Flaky {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), queue::Error> {
        let less = |left: u32| left.checked_sub(1);
        let refused = self
            .refused
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        if refused.is_ok() {
            return Err(queue::Error::Storage("refused by the test".into()));
        }
        self.queue.send(messages).await
    }

    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Incoming>, queue::Error> {
        self.queue.receive(max, wait).await
    }

    async fn ack(&self, receipts: &[Receipt]) -> Result<(), queue::Error> {
        self.queue.ack(receipts).await
    }

    async fn extend(&self, receipt: &Receipt, visibility: Duration) -> Result<(), queue::Error> {
        self.queue.extend(receipt, visibility).await
    }
}
