//! One writer per shard.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::memory::InMemory;
use pombal_domain::InstanceId;
use pombal_sessions::{Closed, Error, local_store};
use tempfile::TempDir;
use wacore::store::traits::SignalStore;

use crate::support::{open, session};

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
