//! An object store that counts what passes through it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// How long a write takes. That of a bucket in the same region.
const PUT_LATENCY: Duration = Duration::from_millis(30);

/// Requests and bytes so far. A bucket bills the first three alike, reads a tenth of that and
/// deletions nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) puts: u64,
    /// Those of the puts that were objects of the write-ahead log: one per commit.
    pub(super) wal_puts: u64,
    pub(super) lists: u64,
    pub(super) copies: u64,
    pub(super) gets: u64,
    pub(super) deletes: u64,
    pub(super) put_bytes: u64,
}

impl Counts {
    /// Every request but deletions, which cost nothing.
    pub(super) fn requests(&self) -> u64 {
        self.puts + self.lists + self.copies + self.gets
    }

    /// What came to `before` since.
    pub(super) fn since(&self, before: &Self) -> Self {
        Self {
            puts: self.puts - before.puts,
            wal_puts: self.wal_puts - before.wal_puts,
            lists: self.lists - before.lists,
            copies: self.copies - before.copies,
            gets: self.gets - before.gets,
            deletes: self.deletes - before.deletes,
            put_bytes: self.put_bytes - before.put_bytes,
        }
    }
}

/// A bucket in memory.
#[derive(Debug, Default)]
pub(super) struct CountingStore {
    inner: InMemory,
    puts: AtomicU64,
    wal_puts: AtomicU64,
    lists: AtomicU64,
    copies: AtomicU64,
    gets: AtomicU64,
    deletes: Arc<AtomicU64>,
    put_bytes: AtomicU64,
}

impl CountingStore {
    pub(super) fn counts(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::SeqCst);
        Counts {
            puts: read(&self.puts),
            wal_puts: read(&self.wal_puts),
            lists: read(&self.lists),
            copies: read(&self.copies),
            gets: read(&self.gets),
            deletes: read(&self.deletes),
            put_bytes: read(&self.put_bytes),
        }
    }
}

impl fmt::Display for CountingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CountingStore")
    }
}

#[async_trait]
impl ObjectStore for CountingStore {
    async fn put_opts(&self, at: &Path, data: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.puts.fetch_add(1, Ordering::SeqCst);
        if at.as_ref().contains("/wal/") {
            self.wal_puts.fetch_add(1, Ordering::SeqCst);
        }
        let bytes = data.content_length() as u64;
        self.put_bytes.fetch_add(bytes, Ordering::SeqCst);
        tokio::time::sleep(PUT_LATENCY).await;
        self.inner.put_opts(at, data, opts).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        // Parts are not counted: tables of this size go up in one piece.
        self.puts.fetch_add(1, Ordering::SeqCst);
        self.inner.put_multipart_opts(at, opts).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.gets.fetch_add(1, Ordering::SeqCst);
        self.inner.get_opts(at, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let deletes = Arc::clone(&self.deletes);
        let counted = locations.inspect(move |_| {
            deletes.fetch_add(1, Ordering::SeqCst);
        });
        self.inner.delete_stream(counted.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.lists.fetch_add(1, Ordering::SeqCst);
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.lists.fetch_add(1, Ordering::SeqCst);
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.copies.fetch_add(1, Ordering::SeqCst);
        self.inner.copy_opts(from, to, options).await
    }
}
