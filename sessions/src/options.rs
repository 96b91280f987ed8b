//! How a shard's database is opened.

use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use pombal_domain::ShardId;

use crate::permit::Permit;

/// Pause between two flush starts under load, for a bucket. DESIGN § 6.
const DEFAULT_COMMIT_INTERVAL: Duration = Duration::from_millis(100);

/// Pause between two flush starts under steady traffic, for a bucket: at 20 messages a second
/// a shard then makes one write for six of them.
const DEFAULT_SUSTAINED_INTERVAL: Duration = Duration::from_millis(300);

/// Room for decoded indexes, filters and blocks of one shard. Sixteen shards then
/// stay below 64 MiB.
const DEFAULT_CACHE_BYTES: usize = 4 * 1024 * 1024;

/// Retries of one request before a commit fails. `SlateDB` pauses 0.1 s to 1 s with
/// jitter in between, so this is about half a minute.
const DEFAULT_MAX_RETRIES: u32 = 20;

/// What the object store is made of. It decides about polling and garbage collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Medium {
    /// A bucket: each request costs money, so an idle shard hardly makes any.
    #[default]
    Bucket,
    /// A local directory: requests are free, but there is no conditional overwrite.
    LocalDisk,
}

/// How a shard's database is opened.
#[derive(Clone)]
pub struct ShardDbOptions {
    /// Where the database lives.
    pub object_store: Arc<dyn ObjectStore>,
    /// Another store for the write-ahead log alone, say S3 Express One Zone. It can't
    /// change once the database exists.
    pub wal_object_store: Option<Arc<dyn ObjectStore>>,
    /// Path prefix in the store, for example `sessions`.
    pub root: String,
    /// The shard.
    pub shard: ShardId,
    /// Least pause between two flush starts. Default 100 ms; 2 ms suits a local disk.
    pub commit_interval: Duration,
    /// Pause between two flush starts under steady traffic; a burst of twelve may run ahead.
    /// Default 300 ms, none on a local disk. Counts only where it is longer than
    /// [`Self::commit_interval`].
    pub sustained_interval: Duration,
    /// What the object store is made of.
    pub medium: Medium,
    /// Retries of one request to the object store before a commit fails for good.
    pub max_retries: u32,
    /// Room for decoded blocks, indexes and filters, in bytes. Zero: no cache.
    pub cache_bytes: usize,
    /// Whether this process may still write.
    pub permit: Permit,
}

impl ShardDbOptions {
    /// Options with every default, for a bucket.
    #[must_use]
    pub fn new(object_store: Arc<dyn ObjectStore>, root: &str, shard: ShardId) -> Self {
        Self {
            object_store,
            wal_object_store: None,
            root: root.to_owned(),
            shard,
            commit_interval: DEFAULT_COMMIT_INTERVAL,
            sustained_interval: DEFAULT_SUSTAINED_INTERVAL,
            medium: Medium::Bucket,
            max_retries: DEFAULT_MAX_RETRIES,
            cache_bytes: DEFAULT_CACHE_BYTES,
            permit: Permit::always(),
        }
    }

    /// The defaults for what the store is made of.
    #[must_use]
    pub fn on(
        medium: Medium,
        object_store: Arc<dyn ObjectStore>,
        root: &str,
        shard: ShardId,
    ) -> Self {
        match medium {
            Medium::Bucket => Self::new(object_store, root, shard),
            Medium::LocalDisk => Self::local(object_store, root, shard),
        }
    }

    /// Options for a local directory: 2 ms commit interval, free polling.
    #[must_use]
    pub fn local(object_store: Arc<dyn ObjectStore>, root: &str, shard: ShardId) -> Self {
        Self {
            commit_interval: Duration::from_millis(2),
            sustained_interval: Duration::ZERO,
            medium: Medium::LocalDisk,
            max_retries: 5,
            ..Self::new(object_store, root, shard)
        }
    }
}
