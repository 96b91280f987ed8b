//! Measurements on the local disk. They print; the bounds only catch a wrong order of
//! magnitude.

use std::time::{Duration, Instant};

use futures::future::join_all;
use pombal_domain::InstanceId;
use pombal_sessions::{ShardDb, ShardDbOptions, local_store};
use tempfile::TempDir;
use wacore::store::traits::SignalStore;

use crate::support::{SHARD, session};

#[tokio::test]
async fn commit_latency_and_open_time() {
    let dir = TempDir::new().unwrap();
    let store = local_store(dir.path()).unwrap();
    let options = || ShardDbOptions::local(store.clone(), "sessions", SHARD);
    let start = Instant::now();
    let db = ShardDb::open(options()).await.unwrap();
    println!("open, empty: {:?}", start.elapsed());

    let s = session(&db, InstanceId::random());
    s.put_meta("warm", b"", true).await.unwrap();
    let mut took: Vec<Duration> = Vec::new();
    for n in 0..300 {
        let start = Instant::now();
        s.put_session(&format!("{n}@lid"), &[7; 1500])
            .await
            .unwrap();
        took.push(start.elapsed());
    }
    took.sort();
    let p = |percent: usize| took[took.len() * percent / 100];
    println!(
        "one writer: p50 {:?}, p95 {:?}, p99 {:?}",
        p(50),
        p(95),
        p(99)
    );
    assert!(p(50) < Duration::from_secs(1));

    let start = Instant::now();
    let names: Vec<String> = (0..2000).map(|n| format!("{n}@s.whatsapp.net")).collect();
    for result in join_all(names.iter().map(|name| s.put_session(name, &[7; 1500]))).await {
        result.unwrap();
    }
    println!("2000 concurrent durable writes: {:?}", start.elapsed());

    drop((s, db));
    let start = Instant::now();
    let db = ShardDb::open(options()).await.unwrap();
    println!("open after a crash: {:?}", start.elapsed());
    db.close().await.unwrap();
    let start = Instant::now();
    let _db = ShardDb::open(options()).await.unwrap();
    println!("open after a close: {:?}", start.elapsed());
}
