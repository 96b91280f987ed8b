//! The process is gone at any one of its writes, from the first opening of the shard on.

use std::sync::Arc;
use std::time::Duration;

use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use pombal_domain::{EventId, InstanceId};
use pombal_sessions::{Appended, Error, JournalRow, Session, ShardDb, local_store};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout;
use wacore::store::traits::*;

use crate::faults::{Fault, FaultStore, Op};
use crate::support::{key, objects, options, session};
use crate::writes::DEVICE;

/// More than a life takes.
const PATIENCE: Duration = Duration::from_secs(3600);
const NOTES: u64 = 3;

/// What one life has acknowledged, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Acknowledged {
    Device,
    Note(u64),
    Event(u64, u64),
}

fn event(instance: InstanceId, n: u64) -> JournalRow {
    JournalRow::new(EventId::derive(instance, &[&n.to_string()]), move |_| {
        n.to_be_bytes().to_vec()
    })
}

/// Two owners of a shard, one after the other, each with a clean end.
async fn life(
    store: Arc<dyn ObjectStore>,
    instance: InstanceId,
    told: mpsc::UnboundedSender<Acknowledged>,
) {
    for owner in 0..2 {
        let db = ShardDb::open(options(store.clone())).await.unwrap();
        let s = session(&db, instance);
        if owner == 0 {
            s.save(&DEVICE).await.unwrap();
            told.send(Acknowledged::Device).unwrap();
        }
        for n in owner * NOTES..(owner + 1) * NOTES {
            s.put_meta("note", &n.to_be_bytes(), true).await.unwrap();
            told.send(Acknowledged::Note(n)).unwrap();
            let seq = s.journal_append(vec![event(instance, n)]).await.unwrap()[0].seq();
            told.send(Acknowledged::Event(n, seq.0)).unwrap();
        }
        db.close().await.unwrap();
    }
}

/// Everything acknowledged is in the session.
async fn check(s: &Session, acknowledged: &[Acknowledged], what: &str) {
    for told in acknowledged {
        match *told {
            Acknowledged::Device => {
                let device = s.load().await.unwrap().expect(what);
                assert_eq!(device.registration_id, DEVICE.registration_id, "{what}");
            }
            Acknowledged::Note(n) => {
                let note = s.get_meta("note").await.unwrap().expect(what);
                let found = u64::from_be_bytes(note.try_into().unwrap());
                assert!(
                    found >= n,
                    "{what}: note {n} was acknowledged, {found} is there"
                );
            }
            Acknowledged::Event(n, seq) => {
                let again = s
                    .journal_append(vec![event(s.instance(), n)])
                    .await
                    .unwrap();
                assert!(
                    matches!(again[0], Appended::Existing { .. }),
                    "{what}: event {n}"
                );
                assert_eq!(again[0].seq().0, seq, "{what}: event {n}");
            }
        }
    }
}

/// Runs a life that ends at its `nth` write. `None` when it has fewer.
async fn cut_life(disk: &InMemory, nth: u32, fault: Fault) -> Option<Vec<Acknowledged>> {
    let faults = FaultStore::over(Arc::new(disk.clone()));
    faults.plan(Op::Put, "", nth, 1, fault);
    let (told, mut heard) = mpsc::unbounded_channel();
    let process = tokio::spawn(life(faults.clone(), INSTANCE, told));
    let mut process = std::pin::pin!(process);
    while !faults.crashed() {
        tokio::select! {
            ended = &mut process => {
                ended.unwrap();
                return None;
            }
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
    }
    process.abort();
    let mut acknowledged = Vec::new();
    while let Ok(told) = heard.try_recv() {
        acknowledged.push(told);
    }
    Some(acknowledged)
}

const INSTANCE: InstanceId = InstanceId::from_uuid(uuid::Uuid::from_u128(7));

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_write_loses_nothing_acknowledged() {
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        for nth in 0.. {
            let disk = InMemory::new();
            let Some(acknowledged) = cut_life(&disk, nth, fault).await else {
                assert!(nth > 14, "only {nth} writes");
                break;
            };
            let what = format!("{fault:?} at write {nth}");
            let db = timeout(PATIENCE, ShardDb::open(options(Arc::new(disk))))
                .await
                .unwrap();
            let db = db.unwrap_or_else(|error| panic!("{what}: {error}"));
            check(&session(&db, INSTANCE), &acknowledged, &what).await;
        }
    }
}

/// A store that leaves half an object behind, as a disk without fsync may. Whatever was
/// acknowledged before is there, or an alarm is.
#[tokio::test(start_paused = true)]
async fn half_an_object_is_an_alarm_or_nothing_lost() {
    let mut alarms = 0;
    for nth in 0.. {
        let disk = InMemory::new();
        let Some(acknowledged) = cut_life(&disk, nth, Fault::Torn).await else {
            break;
        };
        let what = format!("torn at write {nth}");
        let before = objects(&disk).await;
        match ShardDb::open(options(Arc::new(disk.clone()))).await {
            Ok(db) => check(&session(&db, INSTANCE), &acknowledged, &what).await,
            Err(Error::Corrupt { damage, .. }) => {
                alarms += 1;
                let at = &damage[0].path;
                let torn = before.iter().find(|(path, _)| path == at).expect(at);
                let now = disk
                    .get(&at.as_str().into())
                    .await
                    .unwrap()
                    .bytes()
                    .await
                    .unwrap();
                assert_eq!(torn.1, now, "{what}: the torn object was touched");
            }
            Err(error) => panic!("{what}: {error:?}"),
        }
    }
    assert!(alarms > 3, "only {alarms} alarms");
}

/// What a power cut leaves of a local directory: with fsync, files that were not finished
/// have another name (`object_store`, `local.rs`: staged, synced, then linked).
#[tokio::test]
async fn unfinished_files_of_a_local_directory_do_no_harm() {
    let dir = TempDir::new().unwrap();
    let instance = InstanceId::random();
    let db = ShardDb::open(options(local_store(dir.path()).unwrap()))
        .await
        .unwrap();
    let s = session(&db, instance);
    s.save(&DEVICE).await.unwrap();
    s.put_meta("note", b"1", true).await.unwrap();
    drop((s, db));
    let raw = LocalFileSystem::new_with_prefix(dir.path()).unwrap();
    let mut left = 0;
    for (path, bytes) in objects(&raw).await {
        let staged = dir.path().join(format!("{path}#1"));
        std::fs::write(staged, &bytes[..bytes.len() / 2]).unwrap();
        left += 1;
    }
    assert!(left > 3);
    let db = ShardDb::open(options(local_store(dir.path()).unwrap()))
        .await
        .unwrap();
    let s = db.session(instance, key(1));
    assert!(s.exists().await.unwrap());
    assert_eq!(
        s.get_meta("note").await.unwrap().as_deref(),
        Some(&b"1"[..])
    );
}
