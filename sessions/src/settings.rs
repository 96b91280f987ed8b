//! `SlateDB`'s settings for many quiet shards.

use std::collections::HashMap;
use std::time::Duration;

use slatedb::config::{
    CompactionWorkerOptions, CompactorOptions, GarbageCollectorDirectoryOptions,
    GarbageCollectorOptions, Settings,
};

use crate::options::{Medium, ShardDbOptions};

/// A memtable of this size goes to level 0. Two of them bound the shard's memory.
const L0_SST_BYTES: usize = 8 * 1024 * 1024;

/// Writes wait when this much is not yet in level 0.
const MAX_UNFLUSHED_BYTES: usize = 64 * 1024 * 1024;

/// Level-0 tables before writes wait for the compactor. Above `SlateDB`'s 8, because a
/// bucket's compaction may start 20 minutes late; at ten commits a second that is twelve
/// tables ([`Medium::wal_objects_before_l0`]).
const L0_MAX_SSTS: usize = 32;

/// Tables that one compaction takes at most, so that it catches up with the above.
const MAX_COMPACTION_SOURCES: usize = 16;

/// `SlateDB`'s own limit, and the least it accepts.
const MAX_WAL_OBJECTS: u64 = 4096;

const HOUR: Duration = Duration::from_secs(3600);

impl Medium {
    /// How often the writer looks at the manifest. A fenced writer that writes nothing
    /// learns it this late; the lease tells it much earlier (DESIGN § 5).
    const fn manifest_poll(self) -> Duration {
        match self {
            Self::Bucket => Duration::from_secs(1200),
            Self::LocalDisk => Duration::from_secs(30),
        }
    }

    /// How often the compactor looks for work. Four requests on a bucket.
    const fn compactor_poll(self) -> Duration {
        match self {
            Self::Bucket => Duration::from_secs(300),
            Self::LocalDisk => Duration::from_secs(15),
        }
    }

    /// How often its worker looks, give or take a half. Two requests on a bucket.
    const fn worker_poll(self) -> Duration {
        match self {
            Self::Bucket => Duration::from_secs(600),
            Self::LocalDisk => Duration::from_secs(15),
        }
    }

    /// WAL objects that may pile up before the memtable goes to level 0. The next owner
    /// reads them all when it takes the shard, 128 at a time.
    pub(crate) const fn wal_objects_before_l0(self) -> u32 {
        match self {
            Self::Bucket => 1024,
            Self::LocalDisk => 2048,
        }
    }
}

/// The settings of a shard's database.
pub(crate) fn settings(options: &ShardDbOptions) -> Settings {
    let medium = options.medium;
    Settings {
        // The committer alone decides when to flush.
        flush_interval: None,
        manifest_poll_interval: medium.manifest_poll(),
        // Most lookups are for rows that are not there: give every table a filter.
        min_filter_keys: 1,
        l0_sst_size_bytes: L0_SST_BYTES,
        max_unflushed_bytes: MAX_UNFLUSHED_BYTES,
        max_wal_flushes_before_l0_flush: MAX_WAL_OBJECTS,
        l0_max_ssts: L0_MAX_SSTS,
        l0_max_ssts_per_key: L0_MAX_SSTS,
        l0_flush_parallelism: 1,
        compactor_options: Some(compactor(medium)),
        garbage_collector_options: Some(garbage_collector(medium)),
        object_store_max_retries: Some(options.max_retries),
        ..Settings::default()
    }
}

fn compactor(medium: Medium) -> CompactorOptions {
    CompactorOptions {
        poll_interval: medium.compactor_poll(),
        max_concurrent_compactions: 1,
        scheduler_options: HashMap::from([(
            "max_compaction_sources".to_owned(),
            MAX_COMPACTION_SOURCES.to_string(),
        )]),
        worker: Some(CompactionWorkerOptions {
            max_concurrent_compactions: 1,
            max_subcompactions: 1,
            compactions_poll_interval: medium.worker_poll(),
            max_sst_size: 64 * 1024 * 1024,
            min_filter_keys: 1,
            ..CompactionWorkerOptions::default()
        }),
        ..CompactorOptions::default()
    }
}

fn garbage_collector(medium: Medium) -> GarbageCollectorOptions {
    let hourly = Some(GarbageCollectorDirectoryOptions {
        interval: Some(HOUR),
        min_age: HOUR,
        dry_run: false,
    });
    GarbageCollectorOptions {
        manifest_options: hourly,
        wal_options: hourly,
        compacted_options: hourly,
        compactions_options: hourly,
        // A fence object is what stops a paused writer. They are empty, and there is one
        // per change of owner: keep them.
        wal_fence_options: None,
        // Nothing is cloned here.
        detach_options: None,
        // `LocalFileSystem` has no conditional overwrite, so there SlateDB would skip
        // every deletion. Its only writer is one process on the same machine.
        boundary_files_enabled: medium == Medium::Bucket,
        ..GarbageCollectorOptions::default()
    }
}
