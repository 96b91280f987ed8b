//! One writer per shard.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use pombal_domain::InstanceId;
use pombal_sessions::{Closed, Error, local_store};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout;
use wacore::store::traits::SignalStore;

use crate::faults::{ALWAYS, Fault, FaultStore, Op};
use crate::support::{open, session};

const PATIENCE: Duration = Duration::from_secs(3600);

pub(crate) async fn the_second_writer_fences_the_first(store: Arc<dyn ObjectStore>) {
    let instance = InstanceId::random();
    let first = open(store.clone()).await;
    let old = session(&first, instance);
    old.put_identity("5511@s.whatsapp.net", [1; 32])
        .await
        .unwrap();

    let second = open(store.clone()).await;
    let new = session(&second, instance);
    assert_eq!(
        new.load_identity("5511@s.whatsapp.net").await.unwrap(),
        Some([1; 32])
    );

    let fenced = old.put_meta("late", b"x", true).await;
    assert!(matches!(fenced, Err(Error::Fenced { .. })), "{fenced:?}");
    assert_eq!(first.closed().await, Closed::Fenced);
    first.fenced().await;
    for _ in 0..3 {
        let later = old.put_meta("later", b"x", true).await;
        assert!(matches!(later, Err(Error::Fenced { .. })), "{later:?}");
        let behind = old.put_meta("behind", b"x", false).await;
        assert!(matches!(behind, Err(Error::Fenced { .. })), "{behind:?}");
    }
    assert!(matches!(
        old.get_meta("late").await,
        Err(Error::Fenced { .. })
    ));
    assert!(matches!(first.close().await, Err(Error::Fenced { .. })));

    new.put_meta("mine", b"y", true).await.unwrap();
    assert_eq!(new.get_meta("late").await.unwrap(), None);
    second.close().await.unwrap();
    assert_eq!(second.closed().await, Closed::Requested);

    let third = open(store).await;
    let s = session(&third, instance);
    assert_eq!(
        s.get_meta("mine").await.unwrap().as_deref(),
        Some(&b"y"[..])
    );
    assert_eq!(s.get_meta("late").await.unwrap(), None);
}

#[tokio::test]
async fn the_second_writer_fences_the_first_in_memory() {
    the_second_writer_fences_the_first(Arc::new(InMemory::new())).await;
}

#[tokio::test]
async fn the_second_writer_fences_the_first_on_disk() {
    let dir = TempDir::new().unwrap();
    the_second_writer_fences_the_first(local_store(dir.path()).unwrap()).await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_writer_learns_that_it_is_fenced() {
    let store = Arc::new(InMemory::new());
    let first = open(store.clone()).await;
    let _second = open(store).await;
    first.fenced().await;
    assert_eq!(first.closed().await, Closed::Fenced);
}

#[tokio::test]
async fn a_closed_handle_writes_nothing() {
    let db = open(Arc::new(InMemory::new())).await;
    let s = session(&db, InstanceId::random());
    s.put_meta("a", b"1", true).await.unwrap();
    db.close().await.unwrap();
    assert!(matches!(
        s.put_meta("a", b"2", true).await,
        Err(Error::Closed { .. })
    ));
    assert!(matches!(s.get_meta("a").await, Err(Error::Closed { .. })));
    assert!(matches!(db.close().await, Err(Error::Closed { .. })));
}

/// What a writer was told about its writes, and what the next owner found at its opening.
async fn race(first_fault: Option<Fault>, second_after: u64) {
    let disk = InMemory::new();
    let instance = InstanceId::random();
    let faults = FaultStore::over(Arc::new(disk.clone()));
    let first = open(faults.clone()).await;
    let old = session(&first, instance);
    old.put_meta("before", b"1", true).await.unwrap();
    if let Some(fault) = first_fault {
        faults.plan(Op::Put, "/wal/", 1, ALWAYS, fault);
    }
    let (told, mut heard) = mpsc::unbounded_channel();
    let names: Vec<String> = (0..60).map(|n| format!("n{n:02}")).collect();
    // Many writers wait for the committer, and go on until they are refused.
    let writers = names.iter().map(|name| {
        let (old, told) = (old.clone(), told.clone());
        async move {
            for round in 0..40_u64 {
                if let Err(error) = old.put_meta(name, &round.to_be_bytes(), true).await {
                    return error;
                }
                told.send((name.clone(), round)).unwrap();
            }
            unreachable!("never fenced")
        }
    });
    let takeover = async {
        // In the middle of their commits: none is waited for.
        let mut seen = 0;
        let mut acknowledged = Vec::new();
        while seen < second_after {
            acknowledged.push(heard.recv().await.unwrap());
            seen += 1;
        }
        let second = open(Arc::new(disk.clone())).await;
        let new = session(&second, instance);
        let mut found = Vec::new();
        for name in &names {
            found.push(new.get_meta(name).await.unwrap());
        }
        faults.let_go();
        (second, new, found, acknowledged)
    };
    let (refused, (second, new, found, mut acknowledged)) =
        timeout(PATIENCE, futures::future::join(join_all(writers), takeover))
            .await
            .unwrap();
    for error in refused {
        assert!(
            matches!(error, Error::Fenced { .. }),
            "{first_fault:?}: {error:?}"
        );
    }
    assert_eq!(first.closed().await, Closed::Fenced);
    while let Ok(told) = heard.try_recv() {
        acknowledged.push(told);
    }
    assert!(acknowledged.len() as u64 >= second_after);
    for (name, round) in acknowledged {
        let at = names.iter().position(|n| *n == name).unwrap();
        let there = found[at]
            .as_ref()
            .map(|round| u64::from_be_bytes(round[..].try_into().unwrap()));
        assert!(
            there >= Some(round),
            "{first_fault:?}: {name} {round} is lost: {there:?}"
        );
    }
    // Nothing of the first arrives after the second has opened.
    let late = old.put_meta("late", b"x", true).await;
    assert!(matches!(late, Err(Error::Fenced { .. })), "{late:?}");
    new.put_meta("mine", b"1", true).await.unwrap();
    second.close().await.unwrap();
    let third = open(Arc::new(disk)).await;
    let s = session(&third, instance);
    for (name, found) in names.iter().zip(found) {
        assert_eq!(
            s.get_meta(name).await.unwrap(),
            found,
            "{first_fault:?}: {name}"
        );
    }
    assert_eq!(s.get_meta("late").await.unwrap(), None);
    assert!(s.get_meta("before").await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_takeover_amid_commits_loses_nothing_acknowledged() {
    for second_after in [1, 59, 61, 300] {
        race(None, second_after).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_takeover_amid_slow_commits_loses_nothing_acknowledged() {
    for second_after in [1, 61] {
        race(Some(Fault::Slow), second_after).await;
    }
}

/// The first writer's commit hangs in the network and arrives after the second has opened.
#[tokio::test(start_paused = true)]
async fn a_commit_that_arrives_after_the_takeover_is_refused() {
    race(Some(Fault::Held), 1).await;
}

/// The store had the first writer's commit, but the answer was lost; its own retry then finds
/// an object in its place, which is its own.
#[tokio::test(start_paused = true)]
async fn the_writers_own_retry_is_not_another_writer() {
    for fault in [Fault::TimedOut, Fault::Conflict] {
        let faults = FaultStore::over(Arc::new(InMemory::new()));
        let db = open(faults.clone()).await;
        let s = session(&db, InstanceId::random());
        s.put_meta("before", b"1", true).await.unwrap();
        faults.plan(Op::Put, "/wal/", 0, 3, fault);
        for n in 0..6_u8 {
            s.put_meta("mine", &[n], true)
                .await
                .unwrap_or_else(|e| panic!("{fault:?}: {e:?}"));
        }
        assert!(faults.injected() > 0);
        db.close().await.unwrap();
    }
}
