//! A queue that works only while the tenure lasts.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pombal_store::Queue;
use pombal_store::queue::{Error, Incoming, Outgoing, Receipt};

use super::Tenure;

/// Wraps a queue.
pub(crate) struct TenuredQueue {
    queue: Arc<dyn Queue>,
    tenure: Tenure,
}

impl TenuredQueue {
    pub(crate) fn wrap(queue: Arc<dyn Queue>, tenure: &Tenure) -> Arc<dyn Queue> {
        let tenure = tenure.clone();
        Arc::new(Self { queue, tenure })
    }

    fn check(&self) -> Result<(), Error> {
        self.tenure
            .check()
            .map_err(|ended| Error::Storage(ended.into()))
    }
}

#[async_trait]
impl Queue for TenuredQueue {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), Error> {
        self.check()?;
        self.queue.send(messages).await
    }

    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Incoming>, Error> {
        self.check()?;
        self.queue.receive(max, wait).await
    }

    async fn ack(&self, receipts: &[Receipt]) -> Result<(), Error> {
        self.check()?;
        self.queue.ack(receipts).await
    }

    async fn extend(&self, receipt: &Receipt, visibility: Duration) -> Result<(), Error> {
        self.check()?;
        self.queue.extend(receipt, visibility).await
    }
}
