//! The event journal.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use object_store::memory::InMemory;
use pombal_domain::{EventId, InstanceId, Seq};
use pombal_sessions::{Appended, JournalRow};

use crate::support::{open, session};

fn event(instance: InstanceId, name: &str) -> EventId {
    EventId::derive(instance, &[name])
}

fn row(instance: InstanceId, name: &str) -> JournalRow {
    let name = name.to_owned();
    JournalRow::new(event(instance, &name), move |seq| {
        format!("{seq}:{name}").into_bytes()
    })
}

#[tokio::test]
async fn sequence_numbers_are_gapless_and_ids_idempotent() {
    let store = Arc::new(InMemory::new());
    let instance = InstanceId::random();
    let db = open(store.clone()).await;
    let s = session(&db, instance);
    let rows = ["a", "b", "a"].map(|name| row(instance, name));
    let appended = s.journal_append(rows.into()).await.unwrap();
    let known = |seq, payload: &[u8]| Appended::Existing {
        seq,
        sent: false,
        payload: Some(payload.into()),
    };
    assert_eq!(
        appended,
        [
            Appended::New { seq: Seq(1) },
            Appended::New { seq: Seq(2) },
            known(Seq(1), b"1:a"),
        ]
    );
    let appended = s
        .journal_append(vec![row(instance, "b"), row(instance, "c")])
        .await
        .unwrap();
    assert_eq!(
        appended,
        [known(Seq(2), b"2:b"), Appended::New { seq: Seq(3) }]
    );

    s.journal_sent(&[event(instance, "b"), event(instance, "unknown")])
        .await
        .unwrap();
    let unsent = s.journal_unsent().await.unwrap();
    let expected = [(Seq(1), "a", "1:a"), (Seq(3), "c", "3:c")]
        .map(|(seq, name, payload)| (seq, event(instance, name), payload.as_bytes().to_vec()));
    assert_eq!(unsent, expected);
    let again = s.journal_append(vec![row(instance, "b")]).await.unwrap();
    assert_eq!(
        again,
        [Appended::Existing {
            seq: Seq(2),
            sent: true,
            payload: None
        }]
    );

    db.close().await.unwrap();
    let db = open(store).await;
    let s = session(&db, instance);
    assert_eq!(s.journal_unsent().await.unwrap(), expected);
    let appended = s.journal_append(vec![row(instance, "d")]).await.unwrap();
    assert_eq!(appended, [Appended::New { seq: Seq(4) }]);
}

#[tokio::test]
async fn a_crash_between_append_and_sent_replays_the_event() {
    let store = Arc::new(InMemory::new());
    let instance = InstanceId::random();
    let db = open(store.clone()).await;
    let s = session(&db, instance);
    s.journal_append(vec![row(instance, "a"), row(instance, "b")])
        .await
        .unwrap();
    // Write-behind, and no flush follows: the crash forgets it.
    s.journal_sent(&[event(instance, "a")]).await.unwrap();
    assert_eq!(s.journal_unsent().await.unwrap().len(), 1);

    // Opening again fences the first writer, as the next owner does after a crash.
    let db = open(store).await;
    let s = session(&db, instance);
    let unsent = s.journal_unsent().await.unwrap();
    assert_eq!(
        unsent.iter().map(|(seq, ..)| *seq).collect::<Vec<_>>(),
        [Seq(1), Seq(2)]
    );
    let again = s.journal_append(vec![row(instance, "a")]).await.unwrap();
    assert_eq!(again[0].seq(), Seq(1));
}

#[tokio::test]
async fn concurrent_appends_and_lost_callers_leave_no_gap() {
    let db = open(Arc::new(InMemory::new())).await;
    let instance = InstanceId::random();
    let tasks = (0..40).map(|n| {
        // Separate handles of one instance share the counter.
        let s = session(&db, instance);
        async move {
            for k in 0..5 {
                let append = s.journal_append(vec![row(instance, &format!("{n}/{k}"))]);
                // Every third caller goes away early.
                let limit = Duration::from_millis(if n % 3 == 0 { k } else { 60_000 });
                let _ = tokio::time::timeout(limit, append).await;
            }
        }
    });
    join_all(tasks).await;
    let s = session(&db, instance);
    s.put_meta("barrier", b"", true).await.unwrap();
    let unsent = s.journal_unsent().await.unwrap();
    let seqs: Vec<Seq> = unsent.iter().map(|(seq, ..)| *seq).collect();
    assert_eq!(seqs, (1..=unsent.len() as u64).map(Seq).collect::<Vec<_>>());
    assert!(unsent.len() >= 26 * 5, "{} events", unsent.len());
    let next = s.journal_append(vec![row(instance, "next")]).await.unwrap();
    assert_eq!(next[0].seq(), Seq(unsent.len() as u64 + 1));
}
