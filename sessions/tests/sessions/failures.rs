//! A failing object store never yields a success.

use std::sync::atomic::Ordering;

use futures::future::join_all;
use pombal_domain::{EventId, InstanceId, Seq};
use pombal_sessions::{Closed, Error, JournalRow};
use wacore::store::traits::{ProtocolStore, SignalStore};

use crate::support::{TestStore, open, session};

#[tokio::test(start_paused = true)]
async fn every_waiter_of_a_failed_flush_gets_the_error() {
    let store = TestStore::in_memory();
    let db = open(store.clone()).await;
    let s = session(&db, InstanceId::random());
    s.put_meta("before", b"1", true).await.unwrap();

    store.fail_puts.store(true, Ordering::SeqCst);
    let names: Vec<String> = (0..20).map(|n| format!("k{n}")).collect();
    for result in join_all(names.iter().map(|name| s.put_meta(name, b"v", true))).await {
        assert!(matches!(result, Err(Error::Commit { .. })), "{result:?}");
    }
    assert_eq!(db.closed().await, Closed::Failed);

    // The store is well again, but this handle no longer knows what is durable.
    store.fail_puts.store(false, Ordering::SeqCst);
    assert!(s.put_meta("after", b"v", true).await.is_err());
    assert!(s.put_meta("after", b"v", false).await.is_err());
    assert!(s.put_identity("a@lid", [0; 32]).await.is_err());
    assert!(s.take_sent_message("c", "m").await.is_err());
    assert!(s.get_meta("k0").await.is_err());
    assert!(db.close().await.is_err());

    let db = open(store).await;
    let s = session(&db, s.instance());
    assert_eq!(
        s.get_meta("before").await.unwrap().as_deref(),
        Some(&b"1"[..])
    );
    s.put_meta("after", b"v", true).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_sequence_number_never_goes_to_two_events_across_a_failure() {
    let store = TestStore::in_memory();
    let instance = InstanceId::random();
    let event = |n: u64| EventId::derive(instance, &[&n.to_string()]);
    let row = |n: u64| JournalRow::new(event(n), move |_| n.to_be_bytes().to_vec());
    let mut db = open(store.clone()).await;
    for round in 0..6_u64 {
        let s = session(&db, instance);
        s.journal_append(vec![row(round * 10)]).await.unwrap();
        store.fail_puts.store(true, Ordering::SeqCst);
        assert!(
            s.journal_append(vec![row(round * 10 + 1), row(round * 10 + 2)])
                .await
                .is_err()
        );
        assert!(s.journal_append(vec![row(round * 10 + 3)]).await.is_err());
        store.fail_puts.store(false, Ordering::SeqCst);
        db = open(store.clone()).await;
    }
    let unsent = session(&db, instance).journal_unsent().await.unwrap();
    let seqs: Vec<Seq> = unsent.iter().map(|(seq, ..)| *seq).collect();
    assert_eq!(seqs, (1..=unsent.len() as u64).map(Seq).collect::<Vec<_>>());
    for round in 0..6 {
        assert!(unsent.iter().any(|(_, id, _)| *id == event(round * 10)));
    }
}
