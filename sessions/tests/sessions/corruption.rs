//! Every object of a shard, damaged in every way: an alarm that names it, or nothing lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use pombal_domain::{InstanceId, Seq};
use pombal_sessions::{Closed, Error, Kind, Session, ShardDb, guarded};
use tokio::time::timeout;
use wacore::store::Device;
use wacore::store::traits::*;

use crate::faults::overwrite;
use crate::support::{key, objects, open, options, session};
use crate::writes::{self, A, DEVICE, dump, seed};

const PATIENCE: Duration = Duration::from_secs(600);

/// A shard with every kind of object in use: a compacted table, tables of level 0, and a log
/// that was not moved to a table, behind several fences.
async fn shard(instance: InstanceId) -> (InMemory, String) {
    let disk = InMemory::new();
    let mut db = open(Arc::new(disk.clone())).await;
    seed(&session(&db, instance)).await;
    for round in 0..4_u8 {
        db.close().await.unwrap();
        db = open(Arc::new(disk.clone())).await;
        let s = session(&db, instance);
        s.put_identity(A, [round; 32]).await.unwrap();
    }
    // The compactor's timers.
    tokio::time::sleep(Duration::from_secs(120)).await;
    db.close().await.unwrap();
    db = open(Arc::new(disk.clone())).await;
    let s = session(&db, instance);
    s.put_meta("level 0", b"1", true).await.unwrap();
    db.close().await.unwrap();
    db = open(Arc::new(disk.clone())).await;
    let s = session(&db, instance);
    for n in 0..3_u8 {
        s.put_session(A, &[n; 200]).await.unwrap();
        s.put_identity(A, [100 + n; 32]).await.unwrap();
    }
    let crashed = disk.fork();
    drop(db);
    let db = open(Arc::new(crashed.fork())).await;
    let expected = dump(&session(&db, instance)).await.unwrap();
    assert!(expected.contains("102, 102"));
    (crashed, expected)
}

fn kind_of(path: &str) -> &str {
    path.split('/').nth(2).unwrap()
}

/// The damaged versions of an object. `None`: it is missing.
fn damaged(bytes: &[u8], flips: usize) -> Vec<(String, Option<Vec<u8>>)> {
    let mut all = vec![("missing".to_owned(), None)];
    let len = bytes.len();
    let few = [0, 10, len / 2, len.saturating_sub(1)];
    let more = [1, 9, 16, 17, len / 3, len.saturating_sub(4)];
    let cuts = few
        .iter()
        .chain(if flips > few.len() { &more[..] } else { &[] });
    for &keep in cuts {
        if keep < len {
            all.push((
                format!("cut to {keep} of {len}"),
                Some(bytes[..keep].to_vec()),
            ));
        }
    }
    let mut at: Vec<usize> = (0..flips).map(|n| len * n / flips).collect();
    at.extend((1..=flips.min(12)).filter_map(|n| len.checked_sub(n)));
    at.dedup();
    for at in at.into_iter().filter(|at| *at < len) {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 0x10;
        all.push((format!("flipped at {at} of {len}"), Some(flipped)));
    }
    all
}

/// Opens the shard, reads everything, writes. Returns the first alarm.
async fn use_it(
    disk: &InMemory,
    instance: InstanceId,
    expected: &str,
    what: &str,
) -> Option<Error> {
    let opened = timeout(PATIENCE, ShardDb::open(options(Arc::new(disk.clone())))).await;
    let db = match opened.unwrap_or_else(|_| panic!("{what}: opening hangs")) {
        Ok(db) => db,
        Err(error) => return Some(error),
    };
    let s = session(&db, instance);
    let read = timeout(PATIENCE, dump(&s)).await;
    match read.unwrap_or_else(|_| panic!("{what}: reading hangs")) {
        Ok(found) => {
            assert_eq!(found, expected, "{what}: wrong rows without an alarm");
            s.put_meta("after", b"1", true).await.unwrap();
            None
        }
        Err(error) => {
            let source = std::error::Error::source(&error).expect(what);
            let error = source.downcast_ref::<Error>().expect(what).clone();
            assert_stopped(&db, &s, what).await;
            Some(error)
        }
    }
}

/// A database that has found damage reads and writes nothing any more.
async fn assert_stopped(db: &ShardDb, s: &Session, what: &str) {
    let late = s.put_meta("late", b"1", true).await;
    assert!(
        matches!(late, Err(Error::Corrupt { .. })),
        "{what}: {late:?}"
    );
    let behind = s.put_meta("late", b"1", false).await;
    assert!(
        matches!(behind, Err(Error::Corrupt { .. })),
        "{what}: {behind:?}"
    );
    assert!(
        matches!(s.get_meta("one").await, Err(Error::Corrupt { .. })),
        "{what}"
    );
    assert_eq!(db.closed().await, Closed::Corrupt, "{what}");
    assert!(
        matches!(db.close().await, Err(Error::Corrupt { .. })),
        "{what}"
    );
}

#[tokio::test(start_paused = true)]
async fn damage_is_an_alarm_and_never_an_absence() {
    damage_everything(3).await;
}

#[tokio::test(start_paused = true)]
#[ignore = "many ways to damage each object, for the night"]
async fn damage_of_any_kind_is_an_alarm() {
    damage_everything(60).await;
}

async fn damage_everything(flips: usize) {
    let instance = InstanceId::random();
    let (disk, expected) = shard(instance).await;
    // Whether an alarm was raised, by kind of object and way of damage.
    let mut alarms: BTreeMap<(String, &str), u32> = BTreeMap::new();
    let all = objects(&disk).await;
    let end_of_log = all
        .iter()
        .rfind(|(path, _)| kind_of(path) == "wal")
        .unwrap()
        .0
        .clone();
    for (path, bytes) in all {
        for (way, left) in damaged(&bytes, flips) {
            if left.is_none() && path == end_of_log {
                // Nobody can tell, here. See `a_session_older_than_what_is_known_is_an_alarm`.
                continue;
            }
            let what = format!("{path} {way}");
            let disk = disk.fork();
            match &left {
                Some(left) => overwrite(&disk, &path, left.clone()).await,
                None => disk.delete(&path.as_str().into()).await.unwrap(),
            }
            let alarm = use_it(&disk, instance, &expected, &what).await;
            if let Some(alarm) = &alarm {
                if kind_of(&path) == "manifest" && left.is_none() {
                    // The one before it is in its place; what came after looks like another
                    // writer's. No damage that can be named, but nothing opens.
                    if matches!(alarm, Error::Fenced { .. }) {
                        continue;
                    }
                }
                let Error::Corrupt { damage, .. } = alarm else {
                    panic!("{what}: {alarm:?}");
                };
                let named = damage.iter().any(|damage| damage.path == path);
                assert!(named, "{what} is not named: {alarm}");
                let way = way.split(' ').next().unwrap();
                let way = ["missing", "cut", "flipped"]
                    .into_iter()
                    .find(|w| *w == way)
                    .unwrap();
                *alarms.entry((kind_of(&path).to_owned(), way)).or_default() += 1;
            }
            if left.is_none() {
                // The next of its kind may take its place.
                continue;
            }
            let now = match disk.get(&path.as_str().into()).await {
                Ok(object) => Some(object.bytes().await.unwrap().to_vec()),
                Err(_) => None,
            };
            assert_eq!(now, left, "{what}: the damaged object was touched");
        }
    }
    for kind in ["manifest", "wal", "compacted"] {
        for way in ["cut", "flipped"] {
            let alarms = alarms.get(&(kind.to_owned(), way));
            assert!(
                alarms.is_some(),
                "no alarm for a {kind} object that was {way}"
            );
        }
    }
    for kind in ["wal", "compacted"] {
        assert!(
            alarms.contains_key(&(kind.to_owned(), "missing")),
            "no alarm for a missing {kind} object"
        );
    }
}

/// An emptied log object looks like the mark of a new writer; taken for one, the rows in it
/// would be gone without a word, and their message keys used again.
#[tokio::test(start_paused = true)]
async fn an_emptied_log_object_is_not_taken_for_a_fence() {
    let instance = InstanceId::random();
    let (disk, _) = shard(instance).await;
    let log: Vec<_> = objects(&disk)
        .await
        .into_iter()
        .filter(|(path, _)| kind_of(path) == "wal")
        .collect();
    let (last, _) = log.last().unwrap();
    overwrite(&disk, last, Vec::new()).await;
    let error = ShardDb::open(options(Arc::new(disk))).await.unwrap_err();
    assert!(error.to_string().contains(last), "{error}");
    assert!(matches!(error, Error::Corrupt { .. }));
    assert!(error.is_damage() && error.is_fatal());
}

#[tokio::test(start_paused = true)]
async fn a_shard_without_manifests_is_not_a_new_one() {
    let instance = InstanceId::random();
    let (disk, _) = shard(instance).await;
    let mut left = Vec::new();
    for (path, bytes) in objects(&disk).await {
        if kind_of(&path) == "manifest" {
            disk.delete(&path.into()).await.unwrap();
        } else {
            left.push((path, bytes));
        }
    }
    let error = ShardDb::open(options(Arc::new(disk.clone())))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    assert_eq!(objects(&disk).await, left, "something was written");
}

/// Objects of one shard in the place of another's.
#[tokio::test(start_paused = true)]
async fn an_object_of_another_shard_does_not_open() {
    let (ours, expected) = shard(InstanceId::random()).await;
    drop(expected);
    let other = InMemory::new();
    let instance = InstanceId::random();
    let mut elsewhere = options(Arc::new(other.clone()));
    elsewhere.shard = pombal_domain::ShardId(8);
    let db = ShardDb::open(elsewhere).await.unwrap();
    session(&db, instance).save(&DEVICE).await.unwrap();
    drop(db);
    let manifest = objects(&other)
        .await
        .into_iter()
        .rfind(|(path, _)| kind_of(path) == "manifest")
        .unwrap();
    let newest = objects(&ours)
        .await
        .into_iter()
        .rfind(|(path, _)| kind_of(path) == "manifest")
        .unwrap()
        .0;
    overwrite(&ours, &newest, manifest.1).await;
    let error = ShardDb::open(options(Arc::new(ours))).await.unwrap_err();
    assert!(error.to_string().contains(&newest), "{error}");
}

fn row(instance: InstanceId, kind: Kind) -> Vec<u8> {
    [instance.as_uuid().as_bytes(), &[kind.tag()][..]].concat()
}

/// Changes rows below the seal, as whoever has the files but not the keys may.
async fn tamper(disk: &InMemory, change: impl AsyncFnOnce(&slatedb::Db)) {
    let raw = slatedb::Db::open(
        "sessions/7",
        guarded(Arc::new(disk.clone()) as Arc<dyn ObjectStore>),
    )
    .await
    .unwrap();
    change(&raw).await;
    raw.close().await.unwrap();
}

async fn two_instances() -> (InMemory, InstanceId, InstanceId) {
    let disk = InMemory::new();
    let db = open(Arc::new(disk.clone())).await;
    let ids = [InstanceId::random(), InstanceId::random()];
    for id in ids {
        seed(&session(&db, id)).await;
    }
    db.close().await.unwrap();
    (disk, ids[0], ids[1])
}

#[tokio::test(start_paused = true)]
async fn a_damaged_row_stops_its_instance_and_no_other() {
    let flip = async |raw: &slatedb::Db, at: &[u8]| {
        let mut value = raw.get(at).await.unwrap().unwrap().to_vec();
        let middle = value.len() / 2;
        value[middle] ^= 1;
        raw.put(at, &value).await.unwrap();
    };
    let (disk, hurt, sound) = two_instances().await;
    let device = row(hurt, Kind::Device);
    tamper(&disk, async |raw| flip(raw, &device).await).await;
    let db = open(Arc::new(disk.clone())).await;
    let s = session(&db, hurt);
    assert!(s.load().await.is_err());
    assert!(s.exists().await.is_err());
    assert!(s.create().await.is_err());
    let alarm = timeout(PATIENCE, s.damaged()).await.unwrap();
    assert!(
        matches!(
            alarm,
            Error::Unopenable {
                kind: Kind::Device,
                ..
            }
        ),
        "{alarm:?}"
    );
    assert!(alarm.is_damage() && !alarm.is_fatal());
    // No session row is written any more, so the damaged one stays.
    assert!(s.save(&Device::new()).await.is_err());
    assert!(s.put_session(A, b"new").await.is_err());
    assert!(s.delete_session(A).await.is_err());
    assert!(s.clear_all_sender_key_devices().await.is_err());
    // The journal goes on, to tell.
    s.put_meta("settled", b"1", true).await.unwrap();
    assert_eq!(s.journal_unsent().await.unwrap().len(), 2);
    let other = session(&db, sound);
    dump(&other).await.unwrap();
    other.put_session(A, b"new").await.unwrap();
    // Trying again finds the same.
    s.try_again();
    assert!(s.load().await.is_err());
    assert!(s.put_session(A, b"new").await.is_err());
    // What the owner of the instance may do about it.
    s.wipe_session().await.unwrap();
    s.try_again();
    assert!(!s.exists().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_row_of_another_instance_does_not_open() {
    let (disk, hurt, sound) = two_instances().await;
    let (from, to) = (row(sound, Kind::Device), row(hurt, Kind::Device));
    tamper(&disk, async |raw| {
        let value = raw.get(&from).await.unwrap().unwrap();
        raw.put(&to, &value).await.unwrap();
    })
    .await;
    let db = open(Arc::new(disk)).await;
    for data_key in [key(1), key(2)] {
        let s = db.session(hurt, data_key);
        assert!(s.load().await.is_err());
    }
    assert!(session(&db, sound).exists().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_session_without_its_device_is_not_a_new_one() {
    for missing in [Kind::Device, Kind::KeyCheck] {
        let (disk, hurt, sound) = two_instances().await;
        let gone = row(hurt, missing);
        tamper(&disk, async |raw| {
            raw.delete(&gone).await.unwrap();
        })
        .await;
        let db = open(Arc::new(disk)).await;
        let s = session(&db, hurt);
        assert!(s.exists().await.is_err());
        assert!(s.create().await.is_err(), "no new identity");
        assert!(s.load().await.is_err());
        let alarm = timeout(PATIENCE, s.damaged()).await.unwrap();
        let found = matches!(alarm, Error::Incomplete { missing: kind, .. } if kind == missing);
        assert!(found, "{alarm:?}");
        assert!(session(&db, sound).exists().await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_older_than_what_is_known_is_an_alarm() {
    let disk = InMemory::new();
    let instance = InstanceId::random();
    let db = open(Arc::new(disk.clone())).await;
    let s = session(&db, instance);
    s.expect_seq(Seq(0)).await.unwrap();
    seed(&s).await;
    s.expect_seq(Seq(2)).await.unwrap();
    let older = disk.fork();
    s.journal_append(vec![pombal_sessions::JournalRow::new(
        writes::event(instance, 9),
        |_| vec![],
    )])
    .await
    .unwrap();
    s.expect_seq(Seq(3)).await.unwrap();
    drop((s, db));

    let db = open(Arc::new(older)).await;
    let s = session(&db, instance);
    let error = s.expect_seq(Seq(3)).await.unwrap_err();
    assert!(matches!(
        error,
        Error::RolledBack {
            stored: Seq(2),
            known: Seq(3),
            ..
        }
    ));
    assert!(
        s.put_session(A, b"reused").await.is_err(),
        "its keys were used already"
    );
    // Everything lost: an empty store, while others have seen events.
    let db = open(Arc::new(InMemory::new())).await;
    let s = session(&db, instance);
    assert!(s.expect_seq(Seq(1)).await.is_err());
    assert!(s.create().await.is_err());
}
