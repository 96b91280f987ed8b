//! Writes share flushes.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use pombal_domain::InstanceId;
use pombal_sessions::{ShardDb, ShardDbOptions};
use tokio::time::Instant;

use crate::support::{SHARD, TestStore, session};

const INTERVAL: Duration = Duration::from_millis(100);
const PUT_LATENCY: Duration = Duration::from_millis(30);

async fn open(store: &Arc<TestStore>) -> ShardDb {
    let options = ShardDbOptions::new(store.clone(), "sessions", SHARD);
    assert_eq!(options.commit_interval, INTERVAL);
    ShardDb::open(options).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_idle_shard_flushes_at_once() {
    let store = TestStore::slow(PUT_LATENCY);
    let db = open(&store).await;
    let s = session(&db, InstanceId::random());
    let before = store.wal_puts();
    let start = Instant::now();
    s.put_meta("a", b"1", true).await.unwrap();
    assert_eq!(store.wal_puts() - before, 1);
    assert!(
        start.elapsed() < PUT_LATENCY + Duration::from_millis(5),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn it_is_known_for_how_long_a_flush_waits() {
    let store = TestStore::slow(PUT_LATENCY);
    let db = open(&store).await;
    let s = session(&db, InstanceId::random());
    assert_eq!(db.commit_pending_for(), None);
    let write = tokio::spawn(async move { s.put_meta("a", b"1", true).await });
    tokio::time::sleep(PUT_LATENCY * 2 / 3).await;
    let pending = db.commit_pending_for().unwrap();
    assert!(
        pending > PUT_LATENCY / 2 && pending < PUT_LATENCY,
        "{pending:?}"
    );
    write.await.unwrap().unwrap();
    assert_eq!(db.commit_pending_for(), None);
}

#[tokio::test(start_paused = true)]
async fn concurrent_writes_share_one_flush() {
    let store = TestStore::slow(PUT_LATENCY);
    let db = open(&store).await;
    let sessions: Vec<_> = (0..20)
        .map(|_| session(&db, InstanceId::random()))
        .collect();
    // The first write of each instance also writes its key check.
    join_all(sessions.iter().map(|s| s.put_meta("warm", b"", true))).await;
    tokio::time::advance(INTERVAL).await;

    let before = store.wal_puts();
    let writes = sessions.iter().flat_map(|s| {
        (0..10).map(move |n| async move { s.put_meta(&format!("k{n}"), b"v", true).await })
    });
    for result in join_all(writes).await {
        result.unwrap();
    }
    // Some writes may be queued behind the first flush, but never more than one more.
    let flushes = store.wal_puts() - before;
    assert!(
        (1..=2).contains(&flushes),
        "200 writes took {flushes} flushes"
    );
}

#[tokio::test(start_paused = true)]
async fn under_load_at_most_one_flush_starts_per_interval() {
    let store = TestStore::slow(PUT_LATENCY);
    let db = open(&store).await;
    let s = session(&db, InstanceId::random());
    s.put_meta("warm", b"", true).await.unwrap();
    tokio::time::advance(INTERVAL).await;

    let before = store.wal_puts();
    let start = Instant::now();
    let writers = (0..8).map(|writer| {
        let s = s.clone();
        async move {
            for n in 0..25 {
                s.put_meta(&format!("{writer}/{n}"), b"v", true)
                    .await
                    .unwrap();
            }
        }
    });
    join_all(writers).await;
    let flushes = store.wal_puts() - before;
    let intervals = start.elapsed().as_millis() / INTERVAL.as_millis();
    assert!(
        u128::from(flushes) <= intervals + 1,
        "{flushes} flushes in {intervals} intervals"
    );
    // Each writer waits for its own write, so each flush carries one write of each.
    assert!(
        (25..=27).contains(&flushes),
        "200 writes took {flushes} flushes"
    );
}

/// Objects of the log that a minute of steady traffic makes: twenty messages a second, and of
/// each three writes that wait for one another.
async fn steady_minute(least_ms: u64, sustained_ms: u64) -> u64 {
    let store = TestStore::slow(PUT_LATENCY);
    let options = ShardDbOptions {
        commit_interval: Duration::from_millis(least_ms),
        sustained_interval: Duration::from_millis(sustained_ms),
        ..ShardDbOptions::new(store.clone(), "sessions", SHARD)
    };
    let db = ShardDb::open(options).await.unwrap();
    let sessions: Vec<_> = (0..30)
        .map(|_| session(&db, InstanceId::random()))
        .collect();
    join_all(sessions.iter().map(|s| s.put_meta("warm", b"", true))).await;
    let before = store.wal_puts();
    let messages = (0..1200_u32).map(|n| {
        let s = sessions[n as usize % sessions.len()].clone();
        async move {
            tokio::time::sleep(Duration::from_millis(50) * n).await;
            for write in 0..3 {
                let key = format!("{n}/{write}");
                s.put_meta(&key, b"v", true).await.unwrap();
                s.put_meta("behind", b"v", false).await.unwrap();
            }
        }
    });
    join_all(messages).await;
    store.wal_puts() - before
}

#[tokio::test(start_paused = true)]
async fn steady_traffic_makes_one_write_for_six_messages() {
    // 300 ms apart, and the burst at the beginning.
    let writes = steady_minute(100, 300).await;
    assert!((200..=216).contains(&writes), "{writes} writes");
}

#[tokio::test(start_paused = true)]
async fn a_flush_is_one_write_whenever_messages_arrive() {
    for least_ms in [100, 290, 300, 333] {
        let writes = steady_minute(least_ms, 0).await;
        // Those of the last message come after the minute.
        let permitted = 60_000 / least_ms + 4;
        assert!(writes <= permitted, "{least_ms} ms apart: {writes} writes");
    }
}

#[tokio::test(start_paused = true)]
async fn write_behind_costs_no_flush_of_its_own() {
    let store = TestStore::slow(PUT_LATENCY);
    let db = open(&store).await;
    let s = session(&db, InstanceId::random());
    s.put_meta("warm", b"", true).await.unwrap();
    let before = store.wal_puts();
    for n in 0..100 {
        s.put_meta(&format!("k{n}"), b"v", false).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(store.wal_puts(), before);
    assert_eq!(s.get_meta("k99").await.unwrap().as_deref(), Some(&b"v"[..]));
    s.put_meta("durable", b"v", true).await.unwrap();
    assert_eq!(store.wal_puts() - before, 1);
}

#[tokio::test]
async fn an_abandoned_write_lets_the_next_one_through() {
    let store = TestStore::in_memory();
    let db = open(&store).await;
    let s = session(&db, InstanceId::random());
    for n in 0..50 {
        let key = format!("k{n}");
        let mut write = Box::pin(s.put_meta(&key, b"v", true));
        // Polled a few times, then dropped somewhere on its way.
        for _ in 0..n % 5 {
            let _ = futures::poll!(&mut write);
            tokio::task::yield_now().await;
        }
        drop(write);
    }
    s.put_meta("last", b"v", true).await.unwrap();
    assert_eq!(
        s.get_meta("last").await.unwrap().as_deref(),
        Some(&b"v"[..])
    );
}
