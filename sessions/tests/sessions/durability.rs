//! What was acknowledged is there after a crash.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use object_store::ObjectStore;
use pombal_domain::{EventId, InstanceId, Seq};
use pombal_sessions::{Appended, JournalRow, local_store};
use tempfile::TempDir;
use wacore::store::traits::SignalStore;

use crate::support::{open, session};

const INSTANCE: &str = "0b0e7d3c-8d3f-4c43-8a5c-0b6a6f6c2f11";
/// Where the child writes: a directory, or `s3:` and a bucket's name.
const CHILD_PLACE: &str = "POMBAL_SESSIONS_CRASH_PLACE";

fn instance() -> InstanceId {
    INSTANCE.parse().unwrap()
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn an_acknowledged_write_is_on_disk_without_a_close() {
    let dir = TempDir::new().unwrap();
    let crashed = TempDir::new().unwrap();
    let db = open(local_store(dir.path()).unwrap()).await;
    let s = session(&db, instance());
    s.put_session("5511@s.whatsapp.net", b"ratchet")
        .await
        .unwrap();
    s.put_meta("behind", b"not flushed", false).await.unwrap();
    // The moment of the crash: what is on disk now is all there will be.
    copy_dir(dir.path(), crashed.path());

    let db = open(local_store(crashed.path()).unwrap()).await;
    let s = session(&db, instance());
    let row = s.get_session("5511@s.whatsapp.net").await.unwrap();
    assert_eq!(row.as_deref(), Some(&b"ratchet"[..]));
    assert_eq!(s.get_meta("behind").await.unwrap(), None);
}

#[tokio::test]
async fn a_write_behind_row_rides_on_the_next_flush_and_on_close() {
    let dir = TempDir::new().unwrap();
    let db = open(local_store(dir.path()).unwrap()).await;
    let s = session(&db, instance());
    s.put_meta("rides", b"1", false).await.unwrap();
    s.put_meta("carries", b"2", true).await.unwrap();
    let crashed = TempDir::new().unwrap();
    copy_dir(dir.path(), crashed.path());
    s.put_meta("closed", b"3", false).await.unwrap();
    db.close().await.unwrap();

    let db = open(local_store(crashed.path()).unwrap()).await;
    assert_eq!(
        session(&db, instance())
            .get_meta("rides")
            .await
            .unwrap()
            .unwrap(),
        b"1"
    );
    let db = open(local_store(dir.path()).unwrap()).await;
    assert_eq!(
        session(&db, instance())
            .get_meta("closed")
            .await
            .unwrap()
            .unwrap(),
        b"3"
    );
}

/// Appends events and says so until it is killed. Run by the test below, in a process of
/// its own.
#[tokio::test]
#[ignore = "the child process of a_killed_process_loses_nothing_it_acknowledged"]
async fn child_that_writes_until_it_is_killed() {
    let Ok(place) = std::env::var(CHILD_PLACE) else {
        return;
    };
    let db = open(store_at(&place).await).await;
    let s = session(&db, instance());
    let mut number = 0_u64;
    loop {
        let id = EventId::derive(instance(), &[&number.to_string()]);
        let row = JournalRow::new(id, move |seq| format!("{number}/{seq}").into_bytes());
        let appended = s.journal_append(vec![row]).await.unwrap();
        println!("acknowledged {number} {}", appended[0].seq());
        number += 1;
    }
}

async fn store_at(place: &str) -> Arc<dyn ObjectStore> {
    match place.strip_prefix("s3:") {
        #[cfg(feature = "aws-conformance")]
        Some(bucket) => crate::aws::bucket(bucket).await,
        #[cfg(not(feature = "aws-conformance"))]
        Some(_) => panic!("S3 is not in this build"),
        None => local_store(place).unwrap(),
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing_it_acknowledged() {
    let dir = TempDir::new().unwrap();
    kill_and_look(dir.path().to_str().unwrap()).await;
}

/// Kills processes that write to `place`, and looks for what they acknowledged.
pub(crate) async fn kill_and_look(place: &str) {
    let mut acknowledged = BTreeMap::new();
    for _ in 0..2 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture"])
            .arg("durability::child_that_writes_until_it_is_killed")
            .env(CHILD_PLACE, place)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        while seen < 40 {
            let line = lines.next().expect("the child ended").unwrap();
            // The harness may print on the same line first.
            let Some(at) = line.find("acknowledged ") else {
                continue;
            };
            let mut words = line[at..].split(' ').skip(1);
            let number: u64 = words.next().unwrap().parse().unwrap();
            let seq: u64 = words.next().unwrap().parse().unwrap();
            acknowledged.insert(number, seq);
            seen += 1;
        }
        // SIGKILL on Unix.
        child.kill().unwrap();
        child.wait().unwrap();
    }

    let db = open(store_at(place).await).await;
    let s = session(&db, instance());
    let unsent = s.journal_unsent().await.unwrap();
    let seqs: Vec<Seq> = unsent.iter().map(|(seq, ..)| *seq).collect();
    let expected: Vec<Seq> = (1..=unsent.len() as u64).map(Seq).collect();
    assert_eq!(seqs, expected, "no gaps and nothing twice");
    for (number, seq) in acknowledged {
        let id = EventId::derive(instance(), &[&number.to_string()]);
        let again = s
            .journal_append(vec![JournalRow::new(id, |_| unreachable!())])
            .await
            .unwrap();
        assert!(matches!(again[0], Appended::Existing { sent: false, .. }));
        assert_eq!(again[0].seq(), Seq(seq));
    }
}
