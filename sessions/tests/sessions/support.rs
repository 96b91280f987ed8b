//! An object store that counts, fails and waits on demand, and shorthands.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
use pombal_domain::{InstanceId, ShardId};
use pombal_sessions::{Session, ShardDb, ShardDbOptions};
use pombal_store::keys::DataKey;

pub(crate) const SHARD: ShardId = ShardId(7);

/// Wraps a store. One request of an object store is one count.
#[derive(Debug)]
pub(crate) struct TestStore {
    inner: Arc<dyn ObjectStore>,
    puts: AtomicU64,
    wal_puts: AtomicU64,
    gets: AtomicU64,
    lists: AtomicU64,
    deletes: Arc<AtomicU64>,
    copies: AtomicU64,
    pub(crate) fail_puts: AtomicBool,
    put_latency: Duration,
}

impl TestStore {
    pub(crate) fn over(inner: Arc<dyn ObjectStore>) -> Self {
        Self {
            inner,
            puts: AtomicU64::new(0),
            wal_puts: AtomicU64::new(0),
            gets: AtomicU64::new(0),
            lists: AtomicU64::new(0),
            deletes: Arc::default(),
            copies: AtomicU64::new(0),
            fail_puts: AtomicBool::new(false),
            put_latency: Duration::ZERO,
        }
    }

    pub(crate) fn in_memory() -> Arc<Self> {
        Arc::new(Self::over(Arc::new(InMemory::new())))
    }

    pub(crate) fn slow(put_latency: Duration) -> Arc<Self> {
        Arc::new(Self {
            put_latency,
            ..Self::over(Arc::new(InMemory::new()))
        })
    }

    pub(crate) fn wal_puts(&self) -> u64 {
        self.wal_puts.load(Ordering::SeqCst)
    }

    /// Every request but deletions.
    pub(crate) fn requests(&self) -> u64 {
        [&self.puts, &self.gets, &self.lists, &self.copies]
            .iter()
            .map(|count| count.load(Ordering::SeqCst))
            .sum()
    }

    pub(crate) fn deletes(&self) -> u64 {
        self.deletes.load(Ordering::SeqCst)
    }

    pub(crate) fn breakdown(&self) -> String {
        let counts = [
            &self.puts,
            &self.gets,
            &self.lists,
            &self.copies,
            &self.deletes,
        ];
        let [puts, gets, lists, copies, deletes] = counts.map(|count| count.load(Ordering::SeqCst));
        format!("{puts} PUT, {gets} GET, {lists} LIST, {copies} COPY, {deletes} DELETE")
    }

    fn broken() -> object_store::Error {
        object_store::Error::Generic {
            store: "test",
            source: "the store is down".into(),
        }
    }
}

impl fmt::Display for TestStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestStore")
    }
}

#[async_trait]
impl ObjectStore for TestStore {
    async fn put_opts(&self, at: &Path, data: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.puts.fetch_add(1, Ordering::SeqCst);
        if at.as_ref().contains("/wal/") {
            self.wal_puts.fetch_add(1, Ordering::SeqCst);
        }
        if self.fail_puts.load(Ordering::SeqCst) {
            return Err(Self::broken());
        }
        if !self.put_latency.is_zero() {
            tokio::time::sleep(self.put_latency).await;
        }
        self.inner.put_opts(at, data, opts).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.puts.fetch_add(1, Ordering::SeqCst);
        if self.fail_puts.load(Ordering::SeqCst) {
            return Err(Self::broken());
        }
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
        // A bucket deletes one object per request in the worst case.
        let this = Arc::clone(&self.deletes);
        let counted = locations.inspect(move |_| {
            this.fetch_add(1, Ordering::SeqCst);
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

/// Every object of a store, as path and bytes.
pub(crate) async fn objects(store: &dyn ObjectStore) -> Vec<(String, Vec<u8>)> {
    let metas: Vec<ObjectMeta> = store.list(None).map(Result::unwrap).collect().await;
    let mut objects = Vec::new();
    for meta in metas {
        let result = store
            .get_opts(&meta.location, GetOptions::default())
            .await
            .unwrap();
        objects.push((
            meta.location.to_string(),
            result.bytes().await.unwrap().to_vec(),
        ));
    }
    objects
}

/// Options that fail fast.
pub(crate) fn options(store: Arc<dyn ObjectStore>) -> ShardDbOptions {
    ShardDbOptions {
        max_retries: 1,
        ..ShardDbOptions::local(store, "sessions", SHARD)
    }
}

pub(crate) async fn open(store: Arc<dyn ObjectStore>) -> ShardDb {
    ShardDb::open(options(store)).await.unwrap()
}

pub(crate) fn key(byte: u8) -> DataKey {
    DataKey::from_bytes([byte; 32])
}

pub(crate) fn session(db: &ShardDb, instance: InstanceId) -> Session {
    db.session(instance, key(1))
}

/// A small seeded generator (xorshift64*), so that a failure can be run again.
#[derive(Clone)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 16) % bound
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    pub(crate) fn bytes(&mut self) -> Vec<u8> {
        (0..self.below(40)).map(|_| self.next() as u8).collect()
    }
}
