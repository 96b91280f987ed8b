//! An instance changes shards: out of one shard's database and into another's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use pombal_domain::{EventId, InstanceId, MoveId, Seq, ShardId};
use pombal_sessions::{
    Appended, Depot, Error, JournalRow, Label, Session, ShardDb, ShardDbOptions, guarded,
};
use wacore::store::Device;
use wacore::store::traits::*;

use crate::support::{key, options};

const JID: &str = "5511987654321@s.whatsapp.net";
const FROM: ShardId = ShardId(1);
const TO: ShardId = ShardId(2);

async fn open(store: &Arc<InMemory>, shard: ShardId) -> ShardDb {
    let options = ShardDbOptions {
        shard,
        ..options(store.clone())
    };
    ShardDb::open(options).await.unwrap()
}

fn event(s: &Session, name: &str) -> EventId {
    EventId::derive(s.instance(), &[name])
}

async fn append(s: &Session, name: &str) -> Result<Appended, Error> {
    let row = JournalRow::new(event(s, name), |seq| seq.to_string().into_bytes());
    let appended = s.journal_append(vec![row]).await?;
    Ok(appended.into_iter().next().unwrap())
}

/// Rows that stay, rows that expire, and one that is written behind.
async fn fill(s: &Session) {
    s.save(&Device::new()).await.unwrap();
    s.put_session(JID, b"ratchet").await.unwrap();
    s.store_sent_message(JID, "3EB0", b"text").await.unwrap();
    for name in ["a", "b"] {
        append(s, name).await.unwrap();
    }
    s.journal_sent(&[event(s, "a")]).await.unwrap();
    s.put_meta("settled", b"behind", false).await.unwrap();
}

async fn assert_full(s: &Session) {
    assert!(s.load().await.unwrap().is_some());
    let ratchet = s.get_session(JID).await.unwrap();
    assert_eq!(ratchet.as_deref(), Some(&b"ratchet"[..]));
    let meta = s.get_meta("settled").await.unwrap();
    assert_eq!(meta.as_deref(), Some(&b"behind"[..]));
    let unsent = s.journal_unsent().await.unwrap();
    let unsent: Vec<_> = unsent.iter().map(|(seq, id, _)| (*seq, *id)).collect();
    assert_eq!(unsent, [(Seq(2), event(s, "b"))]);
}

/// Key, value and expiry of each row of the instance, as the database itself keeps them.
async fn rows(
    store: &Arc<InMemory>,
    shard: ShardId,
    id: InstanceId,
) -> BTreeMap<Bytes, (Bytes, Option<i64>)> {
    let path = format!("sessions/{shard}");
    let raw = slatedb::Db::open(path, guarded(store.clone())).await;
    let raw = raw.unwrap();
    let mut found = raw.scan_prefix(id.as_uuid().as_bytes(), ..).await.unwrap();
    let mut rows = BTreeMap::new();
    while let Some(row) = found.next().await.unwrap() {
        rows.insert(row.key, (row.value, row.expire_ts));
    }
    raw.close().await.unwrap();
    rows
}

#[tokio::test]
async fn a_session_goes_on_in_another_shard() {
    let store = Arc::new(InMemory::new());
    let (here, there) = (open(&store, FROM).await, open(&store, TO).await);
    let (id, attempt) = (InstanceId::random(), MoveId::random());
    let old = here.session(id, key(1));
    fill(&old).await;
    // A neighbour stays out of it.
    fill(&here.session(InstanceId::random(), key(3))).await;
    let parcel = old.leave(attempt).await.unwrap();

    let new = there.session(id, key(1));
    let count = new.arrive(attempt, &parcel).await.unwrap();
    assert_full(&new).await;
    // The journal goes on where it was, and knows what it has had.
    assert!(matches!(
        append(&new, "a").await.unwrap(),
        Appended::Existing { sent: true, .. }
    ));
    there.close().await.unwrap();
    here.close().await.unwrap();
    let (before, after) = (rows(&store, FROM, id).await, rows(&store, TO, id).await);
    assert_eq!(before, after);
    assert_eq!(after.len(), count);
    assert!(after.values().any(|(_, expiry)| expiry.is_some()));

    let there = open(&store, TO).await;
    let new = there.session(id, key(1));
    assert_full(&new).await;
    let next = append(&new, "c").await.unwrap();
    assert_eq!(next, Appended::New { seq: Seq(3) });
}

#[tokio::test]
async fn who_has_left_writes_nothing_any_more() {
    let store = Arc::new(InMemory::new());
    let here = open(&store, FROM).await;
    let id = InstanceId::random();
    let old = here.session(id, key(1));
    let (client, _revoker) = old.revocable();
    fill(&old).await;
    // Writers that are at it while it leaves are in the parcel, or are told that they are not.
    let writers: Vec<_> = (0..50)
        .map(|n| {
            let old = old.clone();
            tokio::spawn(async move { append(&old, &format!("late {n}")).await })
        })
        .collect();
    tokio::task::yield_now().await;
    let attempt = MoveId::random();
    let parcel = old.leave(attempt).await.unwrap();
    let mut accepted = Vec::new();
    for (n, writer) in writers.into_iter().enumerate() {
        match writer.await.unwrap() {
            Ok(appended) => accepted.push((appended.seq(), format!("late {n}"))),
            Err(error) => assert!(matches!(error, Error::Left { .. }), "{error:?}"),
        }
    }
    for handle in [&old, &client] {
        let late = handle.put_session(JID, b"newer").await;
        assert!(late.is_err());
        assert!(handle.get_session(JID).await.is_err());
        let late = append(handle, "late").await;
        assert!(matches!(late, Err(Error::Left { .. })), "{late:?}");
        let late = handle.journal_sent(&[event(&old, "b")]).await;
        assert!(matches!(late, Err(Error::Left { .. })), "{late:?}");
    }
    let there = open(&store, TO).await;
    let new = there.session(id, key(1));
    new.arrive(attempt, &parcel).await.unwrap();
    for (seq, name) in &accepted {
        let known = append(&new, name).await.unwrap();
        assert!(matches!(known, Appended::Existing { .. }), "{known:?}");
        assert_eq!(known.seq(), *seq);
    }
    let next = append(&new, "next").await.unwrap();
    assert_eq!(next.seq().0, 3 + accepted.len() as u64);

    // It stays after all: a new handle goes on, the old ones do not come back to life.
    let again = here.session(id, key(1));
    assert!(again.get_session(JID).await.unwrap().is_some());
    assert!(old.get_session(JID).await.is_err());
}

#[tokio::test]
async fn arriving_again_is_arriving_once() {
    let store = Arc::new(InMemory::new());
    let (here, there) = (open(&store, FROM).await, open(&store, TO).await);
    let (id, attempt) = (InstanceId::random(), MoveId::random());
    let old = here.session(id, key(1));
    fill(&old).await;
    let parcel = old.leave(attempt).await.unwrap();
    // Something of an earlier stay, and of an arrival that broke off.
    let stale = there.session(id, key(1));
    stale.put_session("stale@lid", b"stale").await.unwrap();
    for _ in 0..2 {
        let new = there.session(id, key(1));
        new.arrive(attempt, &parcel).await.unwrap();
        assert_full(&new).await;
        assert_eq!(new.get_session("stale@lid").await.unwrap(), None);
    }
    let other = there.session(InstanceId::random(), key(1));
    for refused in [
        other.arrive(attempt, &parcel).await,
        there
            .session(id, key(1))
            .arrive(MoveId::random(), &parcel)
            .await,
        there
            .session(id, key(1))
            .arrive(attempt, &parcel[..40])
            .await,
        there.session(id, key(1)).arrive(attempt, b"").await,
    ] {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, Error::Parcel { .. }), "{refused:?}");
        assert!(refused.is_damage() && !refused.is_fatal());
    }
    assert!(!other.exists().await.unwrap());
    assert_full(&there.session(id, key(1))).await;
}

/// Many rows arrive in several commits.
#[tokio::test]
async fn a_large_session_arrives_whole() {
    let store = Arc::new(InMemory::new());
    let (here, there) = (open(&store, FROM).await, open(&store, TO).await);
    let (id, attempt) = (InstanceId::random(), MoveId::random());
    let old = here.session(id, key(1));
    fill(&old).await;
    for n in 0..30 {
        let address = format!("{n}@lid");
        old.put_session(&address, &[n; 100_000]).await.unwrap();
    }
    let parcel = old.leave(attempt).await.unwrap();
    let new = there.session(id, key(1));
    new.arrive(attempt, &parcel).await.unwrap();
    assert_full(&new).await;
    for n in 0..30 {
        let found = new.get_session(&format!("{n}@lid")).await.unwrap();
        assert_eq!(found.as_deref(), Some(&[n; 100_000][..]));
    }
}

#[tokio::test]
async fn parcels_lie_by_shard_until_they_are_removed() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let depot = Depot::new(store.clone(), "sessions");
    let label = |to| Label {
        to,
        instance: InstanceId::random(),
        attempt: MoveId::random(),
    };
    let (first, second) = (label(TO), label(ShardId(22)));
    for label in [first, second] {
        assert_eq!(depot.get(label).await.unwrap(), None);
        depot.put(label, b"an older try".to_vec()).await.unwrap();
        depot.put(label, b"rows".to_vec()).await.unwrap();
        let found = depot.get(label).await.unwrap();
        assert_eq!(found.as_deref(), Some(&b"rows"[..]));
    }
    let (now, hour) = (Duration::ZERO, Duration::from_secs(3600));
    assert_eq!(depot.older(TO, now).await.unwrap(), [first]);
    assert_eq!(depot.older(TO, hour).await.unwrap(), []);
    for _ in 0..2 {
        depot.remove(first).await.unwrap();
        assert_eq!(depot.get(first).await.unwrap(), None);
    }
    assert_eq!(depot.older(TO, now).await.unwrap(), []);
    assert!(depot.get(second).await.unwrap().is_some());
}
