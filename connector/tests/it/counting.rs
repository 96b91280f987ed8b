//! An object store and a queue that count what they are asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use pombal_store::Queue;
use pombal_store::queue::{Error as QueueError, Incoming, Outgoing, Receipt};

/// A bucket in memory. Requests are named as they are billed.
#[derive(Debug, Default)]
pub(crate) struct CountingBucket {
    objects: InMemory,
    requests: Mutex<BTreeMap<&'static str, u64>>,
}

impl CountingBucket {
    /// Requests so far; deletions are free, and not in here.
    pub(crate) fn requests(&self) -> BTreeMap<&'static str, u64> {
        self.requests.lock().unwrap().clone()
    }

    fn count(&self, class: &'static str) {
        *self.requests.lock().unwrap().entry(class).or_default() += 1;
    }
}

impl fmt::Display for CountingBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CountingBucket")
    }
}

#[async_trait]
impl ObjectStore for CountingBucket {
    async fn put_opts(&self, at: &Path, data: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.count("s3 PUT");
        self.objects.put_opts(at, data, opts).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.count("s3 POST");
        self.objects.put_multipart_opts(at, opts).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.count("s3 GET");
        self.objects.get_opts(at, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.objects.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.count("s3 LIST");
        self.objects.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.count("s3 LIST");
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.count("s3 PUT");
        self.objects.copy_opts(from, to, options).await
    }
}

/// A queue that nobody sends to.
#[derive(Debug, Default)]
pub(crate) struct QuietQueue {
    polls: AtomicU64,
}

impl QuietQueue {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Polls that have begun.
    pub(crate) fn polls(&self) -> u64 {
        self.polls.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Queue for QuietQueue {
    async fn send(&self, messages: &[Outgoing]) -> std::result::Result<(), QueueError> {
        panic!("an idle connector sent {} messages", messages.len())
    }

    async fn receive(
        &self,
        _: usize,
        wait: Duration,
    ) -> std::result::Result<Vec<Incoming>, QueueError> {
        self.polls.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(wait).await;
        Ok(Vec::new())
    }

    async fn ack(&self, _: &[Receipt]) -> std::result::Result<(), QueueError> {
        Ok(())
    }

    async fn extend(&self, _: &Receipt, _: Duration) -> std::result::Result<(), QueueError> {
        Err(QueueError::ReceiptExpired)
    }
}
