//! What an idle shard costs.

use std::sync::Arc;
use std::time::Duration;

use pombal_domain::InstanceId;
use pombal_sessions::{ShardDb, ShardDbOptions};
use wacore::store::traits::{MsgSecretStore, ProtocolStore};

use crate::support::{SHARD, TestStore, objects, session};

const HOUR: Duration = Duration::from_secs(3600);

/// DESIGN § 6.
const REQUESTS_PER_HOUR: u64 = 100;

async fn open(store: &Arc<TestStore>) -> ShardDb {
    ShardDb::open(ShardDbOptions::new(store.clone(), "sessions", SHARD))
        .await
        .unwrap()
}

/// The paused clock moves on whenever every task waits for it, so these are hours of
/// `SlateDB`'s own timers.
#[tokio::test(start_paused = true)]
async fn an_idle_shard_costs_at_most_100_requests_an_hour() {
    let store = TestStore::in_memory();
    let db = open(&store).await;
    let s = session(&db, InstanceId::random());
    for n in 0..50 {
        s.put_meta(&format!("k{n}"), &[0; 1000], true)
            .await
            .unwrap();
        s.store_sent_message("c@g.us", &n.to_string(), b"text")
            .await
            .unwrap();
    }
    db.close().await.unwrap();
    let db = open(&store).await;
    let s = session(&db, s.instance());
    s.put_meta("awake", b"1", true).await.unwrap();

    for hour in 1..=3 {
        let (requests, deletes) = (store.requests(), store.deletes());
        tokio::time::sleep(HOUR).await;
        let requests = store.requests() - requests;
        let deletes = store.deletes() - deletes;
        println!("hour {hour}: {requests} requests and {deletes} deletes");
        println!("in all {}", store.breakdown());
        assert!(requests > 0, "the timers did not run");
        assert!(
            requests <= REQUESTS_PER_HOUR,
            "hour {hour}: {requests} requests"
        );
        // What the busy time before left behind goes once.
        assert!(deletes == 0 || hour == 2, "hour {hour}: {deletes} deletes");
    }
}

/// Hours of full load, then the timers: nothing piles up and nothing is lost.
#[tokio::test(start_paused = true)]
async fn a_busy_shard_is_compacted_and_collected() {
    let store = TestStore::in_memory();
    let db = open(&store).await;
    let s = session(&db, InstanceId::random());
    for n in 0..6000_u32 {
        s.put_meta(&format!("k{}", n % 500), &n.to_be_bytes(), true)
            .await
            .unwrap();
    }
    tokio::time::sleep(4 * HOUR).await;
    s.put_meta("awake", b"1", true).await.unwrap();
    let all = objects(store.as_ref()).await;
    let wal = all
        .iter()
        .filter(|(path, _)| path.contains("/wal/"))
        .count();
    let tables = all
        .iter()
        .filter(|(path, _)| path.contains("/compacted/"))
        .count();
    println!(
        "{wal} WAL objects and {tables} tables of {} objects are left",
        all.len()
    );
    // 6000 commits, of which the last 1024 at most are not in a table.
    assert!(wal <= 1100, "{wal} WAL objects");
    assert!((1..=5).contains(&tables), "{tables} tables");

    // The next owner, after a crash.
    let db = open(&store).await;
    let s = session(&db, s.instance());
    for k in 0..500_u32 {
        let value = s.get_meta(&format!("k{k}")).await.unwrap().unwrap();
        assert_eq!(value, (5500 + k).to_be_bytes());
    }
}

/// A connected but quiet instance sweeps on every keepalive.
#[tokio::test(start_paused = true)]
async fn sweeps_that_find_nothing_cost_no_requests() {
    let store = TestStore::in_memory();
    let db = open(&store).await;
    let s = session(&db, InstanceId::random());
    for n in 0..20 {
        s.store_sent_message("c@g.us", &n.to_string(), b"text")
            .await
            .unwrap();
        s.store_pending_inbound("c@g.us", "a@lid", &n.to_string(), b"text")
            .await
            .unwrap();
    }
    db.close().await.unwrap();
    let db = open(&store).await;
    let s = session(&db, s.instance());
    let sweep = || async {
        assert_eq!(s.delete_expired_sent_messages(1000).await.unwrap(), 0);
        assert_eq!(s.delete_expired_pending_inbound(1000).await.unwrap(), 0);
        assert_eq!(s.delete_expired_msg_secrets(1000).await.unwrap(), 0);
    };
    sweep().await;
    let before = store.requests();
    for _ in 0..100 {
        sweep().await;
    }
    assert_eq!(store.requests(), before);
    assert_eq!(s.delete_expired_sent_messages(i64::MAX).await.unwrap(), 20);
    assert_eq!(s.delete_expired_sent_messages(i64::MAX).await.unwrap(), 0);
}
