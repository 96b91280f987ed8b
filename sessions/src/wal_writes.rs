//! When the database begins to write an object of its log.
//!
//! `SlateDB` closes the log's buffer when a flush is asked for, and once more when its writer
//! task takes the flush up (`wal/slatedb/writer.rs`, `do_flush`). Rows applied in between would
//! get an object of their own: a second billed write, after which the first is waited for. So
//! the committer applies nothing from the one moment to the other, which it learns here.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::sync::watch;

use crate::guard::is_in_wal;

/// Tells of writes that have begun.
#[derive(Debug)]
pub(crate) struct WalWrites(watch::Receiver<u64>);

impl WalWrites {
    /// `store`, watched.
    pub(crate) fn of(store: Arc<dyn ObjectStore>) -> (Arc<dyn ObjectStore>, Self) {
        let (begun, writes) = watch::channel(0);
        (Arc::new(Watched { store, begun }), Self(writes))
    }

    /// Forgets the writes so far.
    pub(crate) fn forget(&mut self) {
        self.0.mark_unchanged();
    }

    /// Resolves when a write has begun that was not forgotten, or when there can be none.
    pub(crate) async fn begun(&mut self) {
        // An error: the store is gone, and nobody has to wait any more.
        let _ = self.0.changed().await;
    }
}

#[derive(Debug)]
struct Watched {
    store: Arc<dyn ObjectStore>,
    begun: watch::Sender<u64>,
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watched({})", self.store)
    }
}

#[async_trait]
impl ObjectStore for Watched {
    async fn put_opts(&self, at: &Path, data: PutPayload, opts: PutOptions) -> Result<PutResult> {
        if is_in_wal(at) {
            self.begun.send_modify(|count| *count += 1);
        }
        self.store.put_opts(at, data, opts).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.store.put_multipart_opts(at, opts).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.store.get_opts(at, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.store.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}
