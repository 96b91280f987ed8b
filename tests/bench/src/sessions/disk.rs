//! Time and memory of a shard on a local disk.

use std::path::Path;
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use pombal_domain::{InstanceId, ShardId};
use pombal_sessions::{Session, ShardDb, ShardDbOptions, local_store};
use pombal_store::DataKey;
use tempfile::TempDir;

use super::{ratio, row, workload};
use crate::ALLOCATOR;
use crate::result::Row;

/// Instances on the shard whose opening is timed.
const OPENED: usize = 500;
/// Numbers of instances whose memory is measured.
const HELD: [usize; 2] = [100, 1000];
/// How many instances pair at once.
const PAIRING: usize = 16;
const RUNS: usize = 5;

pub(super) async fn run() -> Vec<Row> {
    let mut held = Vec::new();
    for size in HELD {
        held.extend(memory(size).await);
    }
    let mut rows = open_times().await;
    rows.extend(held);
    rows
}

async fn open_times() -> Vec<Row> {
    let dir = directory();
    let ids = pair(dir.path(), OPENED).await;
    let mut closed = Vec::with_capacity(RUNS);
    let mut crashed = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let (db, took) = timed_open(dir.path(), &ids).await;
        closed.push(took);
        // Something in the log, then no close.
        for id in ids.iter().take(50) {
            let session = db.session(*id, key());
            assert!(workload::receive(&session, 0, 0).await.is_ok());
        }
        drop(db);
        let (db, took) = timed_open(dir.path(), &ids).await;
        crashed.push(took);
        assert!(db.close().await.is_ok());
    }
    let mut after_close = Row::percentile("500 instances, local disk: open", 0.5, &mut closed);
    after_close.target = Some(2000.0);
    let after_crash = Row::percentile(
        "500 instances, local disk: open after a crash",
        0.5,
        &mut crashed,
    );
    vec![after_close, after_crash]
}

/// Opens the shard, and reads one row of every instance: only then is it of use.
async fn timed_open(dir: &Path, ids: &[InstanceId]) -> (ShardDb, Duration) {
    let start = Instant::now();
    let db = open(dir).await;
    for id in ids {
        assert!(db.session(*id, key()).get_meta("none").await.is_ok());
    }
    (db, start.elapsed())
}

/// Live heap bytes that an open shard with started, idle instances holds; exact.
async fn memory(size: usize) -> Vec<Row> {
    let dir = directory();
    let ids = pair(dir.path(), size).await;
    let before = ALLOCATOR.allocated() as u64;
    let db = open(dir.path()).await;
    let empty = (ALLOCATOR.allocated() as u64).saturating_sub(before);
    let mut sessions: Vec<Session> = Vec::with_capacity(size);
    for id in &ids {
        let session = db.session(*id, key());
        assert!(workload::start(&session).await.is_ok());
        sessions.push(session);
    }
    let full = (ALLOCATOR.allocated() as u64).saturating_sub(before);
    let metric = |what: &str| format!("{size} instances, idle: {what}");
    let rows = vec![
        row(
            metric("store memory per instance"),
            ratio(full, size as u64 * 1024),
            "KiB",
            Some(40.0),
        ),
        row(
            metric("of it the open shard, in all"),
            ratio(empty, 1024),
            "KiB",
            None,
        ),
        row(
            metric("peak of the process, pairing included"),
            ratio(ALLOCATOR.max_allocated() as u64, 1024 * 1024),
            "MiB",
            None,
        ),
    ];
    drop(sessions);
    assert!(db.close().await.is_ok());
    rows
}

/// Pairs instances, some at a time.
async fn pair(dir: &Path, size: usize) -> Vec<InstanceId> {
    let db = open(dir).await;
    let paired = stream::iter(0..size).map(|_| async {
        let session = db.session(InstanceId::random(), key());
        let done = workload::pair(&session).await;
        assert!(done.is_ok(), "{:?}", done.err());
        session.instance()
    });
    let ids = paired.buffer_unordered(PAIRING).collect().await;
    assert!(db.close().await.is_ok());
    ids
}

fn directory() -> TempDir {
    match tempfile::tempdir() {
        Ok(dir) => dir,
        Err(error) => panic!("no directory: {error}"),
    }
}

async fn open(dir: &Path) -> ShardDb {
    let store = match local_store(dir) {
        Ok(store) => store,
        Err(error) => panic!("{error}"),
    };
    let options = ShardDbOptions::local(store, "shards", ShardId(0));
    match Box::pin(ShardDb::open(options)).await {
        Ok(db) => db,
        Err(error) => panic!("the shard does not open: {error}"),
    }
}

fn key() -> DataKey {
    DataKey::from_bytes([1; 32])
}
