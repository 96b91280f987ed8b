//! Requests and bytes of a shard in a bucket, on a paused clock.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use pombal_domain::{InstanceId, ShardId};
use pombal_sessions::{Session, ShardDb, ShardDbOptions};
use pombal_store::DataKey;
use tokio::time::Instant;
use wacore::store::error::Result;

use super::counting::{CountingStore, Counts};
use super::{SIZES, ratio, row, workload};
use crate::result::Row;

/// Steady traffic of the target, in messages a second.
const PER_SECOND: usize = 20;
/// How long the traffic lasts: an L0 flush comes every five minutes or so.
const TRAFFIC_SECS: usize = 600;
const MESSAGES: usize = PER_SECOND * TRAFFIC_SECS;
/// Target for object-store writes per message.
const WRITES_PER_MESSAGE: f64 = 0.2;
/// Contacts of each instance.
const CONTACTS: usize = 20;
/// How often a connected client sends a keepalive, and sweeps.
const KEEPALIVE: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_secs(3600);

/// Every number for every size.
pub(super) async fn run() -> Vec<Row> {
    let mut rows = Vec::new();
    for size in SIZES {
        let shard = Shard::paired(size, &mut rows).await;
        shard.traffic(&mut rows).await;
        shard.idle(&mut rows).await;
    }
    rows
}

struct Shard {
    store: Arc<CountingStore>,
    sessions: Vec<Session>,
    db: ShardDb,
}

impl Shard {
    /// Pairs `size` instances, one after the other, one a second.
    async fn paired(size: usize, rows: &mut Vec<Row>) -> Self {
        let store = Arc::new(CountingStore::default());
        let db = open(&store).await;
        let sessions: Vec<Session> = (0..size).map(|_| session(&db)).collect();
        let before = store.counts();
        for session in &sessions {
            done(workload::pair(session)).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let cost = store.counts().since(&before);
        let per = sessions.len() as u64;
        let name = |what: &str| format!("{}: {what}, per paired instance", named(size));
        rows.push(row(name("writes"), ratio(cost.puts, per), "requests", None));
        let reads = cost.gets + cost.lists;
        rows.push(row(name("reads"), ratio(reads, per), "requests", None));
        let written = ratio(cost.put_bytes, per * 1024);
        rows.push(row(name("written"), written, "KiB", None));
        Self {
            store,
            sessions,
            db,
        }
    }

    /// Steady traffic over all instances: texts received, texts sent, both in turn.
    async fn traffic(&self, rows: &mut Vec<Row>) {
        let receive = self.drive(0, |session, who, n| {
            Box::pin(workload::receive(session, who, n))
        });
        self.report("received", None, receive.await, rows);
        let send = self.drive(1, |session, who, n| {
            Box::pin(workload::send(session, who, n))
        });
        self.report("sent", None, send.await, rows);
        let both = self.drive(2, mixed).await;
        self.report("sent or received", Some(WRITES_PER_MESSAGE), both, rows);
    }

    fn report(
        &self,
        what: &str,
        target: Option<f64>,
        (cost, took): (Counts, Duration),
        rows: &mut Vec<Row>,
    ) {
        let messages = MESSAGES as u64;
        let shard = format!("{}, 20 messages/s", named(self.sessions.len()));
        let mut add = |metric: &str, value: f64, unit: &'static str, target: Option<f64>| {
            let metric = format!("{shard}: {metric} per message {what}");
            rows.push(row(metric, value, unit, target));
        };
        add("writes", ratio(cost.puts, messages), "requests", target);
        let reads = ratio(cost.gets + cost.lists, messages);
        add("reads", reads, "requests", None);
        let bytes = ratio(cost.put_bytes, messages * 1024);
        add("written", bytes, "KiB", None);
        let took = ratio(took.as_micros() as u64, messages * 1000);
        add("mean time for all commits", took, "ms", None);
        if target.is_some() {
            let commits = ratio(cost.wal_puts, messages);
            add("of the writes, commits", commits, "requests", None);
        }
    }

    /// Starts a message every 50 ms, whether or not those before are done. Also returns the
    /// sum of the times that the messages took.
    async fn drive(
        &self,
        phase: usize,
        message: impl for<'a> Fn(&'a Session, usize, usize) -> Op<'a>,
    ) -> (Counts, Duration) {
        let before = self.store.counts();
        let pause = Duration::from_secs(1) / PER_SECOND as u32;
        let messages = (0..MESSAGES).map(|n| {
            let session = &self.sessions[n % self.sessions.len()];
            let who = n / self.sessions.len() % CONTACTS;
            // No phase repeats the ids of another.
            let message = message(session, who, phase * MESSAGES + n);
            async move {
                tokio::time::sleep(pause * n as u32).await;
                let start = Instant::now();
                done(message).await;
                start.elapsed()
            }
        });
        let took = join_all(messages).await.into_iter().sum();
        (self.store.counts().since(&before), took)
    }

    /// The third hour of quiet after the shard was taken.
    async fn idle(self, rows: &mut Vec<Row>) {
        let size = self.sessions.len();
        let ids: Vec<_> = self.sessions.iter().map(Session::instance).collect();
        drop(self.sessions);
        done(async { Ok(self.db.close().await?) }).await;
        let db = open(&self.store).await;
        let sessions: Vec<Session> = ids.iter().map(|id| db.session(*id, key())).collect();
        for session in &sessions {
            done(workload::start(session)).await;
        }
        tokio::time::sleep(2 * HOUR).await;
        let before = self.store.counts();
        let start = Instant::now();
        while start.elapsed() < HOUR {
            for session in &sessions {
                done(workload::keepalive(session)).await;
            }
            tokio::time::sleep(KEEPALIVE).await;
        }
        let cost = self.store.counts().since(&before);
        let shard = named(size);
        rows.push(row(
            format!("{shard}, idle: requests per hour"),
            ratio(cost.requests(), 1),
            "requests",
            Some(100.0),
        ));
        rows.push(row(
            format!("{shard}, idle: of them writes"),
            ratio(cost.puts, 1),
            "requests",
            None,
        ));
    }
}

type Op<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// Receives and sends in turn.
fn mixed(session: &Session, who: usize, n: usize) -> Op<'_> {
    if n.is_multiple_of(2) {
        Box::pin(workload::receive(session, who, n))
    } else {
        Box::pin(workload::send(session, who, n))
    }
}

fn named(size: usize) -> String {
    if size == 1 {
        "1 instance".to_owned()
    } else {
        format!("{size} instances")
    }
}

/// A bench whose workload fails has no result.
async fn done(work: impl Future<Output = Result<()>>) {
    let result = work.await;
    assert!(result.is_ok(), "{:?}", result.err());
}

async fn open(store: &Arc<CountingStore>) -> ShardDb {
    let options = ShardDbOptions::new(Arc::clone(store) as _, "sessions", ShardId(0));
    match Box::pin(ShardDb::open(options)).await {
        Ok(db) => db,
        Err(error) => panic!("the shard does not open: {error}"),
    }
}

fn session(db: &ShardDb) -> Session {
    db.session(InstanceId::random(), key())
}

fn key() -> DataKey {
    DataKey::from_bytes([1; 32])
}
