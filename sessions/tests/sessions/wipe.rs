//! Logging out and deleting.

use std::sync::Arc;

use object_store::memory::InMemory;
use pombal_domain::{EventId, InstanceId, Seq};
use pombal_sessions::{Error, JournalRow, Session};
use wacore::store::Device;
use wacore::store::traits::*;

use crate::support::{key, open, session};

async fn fill(s: &Session, event: &str) -> Seq {
    s.save(&Device::new()).await.unwrap();
    s.put_identity("5511@s.whatsapp.net", [1; 32])
        .await
        .unwrap();
    s.store_prekey(1, b"r", false).await.unwrap();
    s.store_sent_message("c@g.us", "3EB0", b"p").await.unwrap();
    s.touch_tc_token_sender_timestamp("a@lid", 5).await.unwrap();
    s.put_meta("m", b"1", true).await.unwrap();
    let id = EventId::derive(s.instance(), &[event]);
    let row = JournalRow::new(id, |_| b"payload".to_vec());
    s.journal_append(vec![row]).await.unwrap()[0].seq()
}

async fn assert_no_session(s: &Session) {
    assert!(!s.exists().await.unwrap());
    assert!(
        s.load_identity("5511@s.whatsapp.net")
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(s.get_max_prekey_id().await.unwrap(), 0);
    assert!(
        s.take_sent_message("c@g.us", "3EB0")
            .await
            .unwrap()
            .is_none()
    );
    assert!(s.get_all_tc_token_jids().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_logout_wipes_the_session_and_keeps_the_rest() {
    let store = Arc::new(InMemory::new());
    let db = open(store.clone()).await;
    let (s, other) = (
        session(&db, InstanceId::random()),
        session(&db, InstanceId::random()),
    );
    fill(&s, "a").await;
    fill(&other, "a").await;
    s.wipe_session().await.unwrap();
    assert_no_session(&s).await;
    assert!(other.exists().await.unwrap());

    // A crash now brings nothing back.
    let db = open(store).await;
    let s = session(&db, s.instance());
    assert_no_session(&s).await;
    assert_eq!(s.get_meta("m").await.unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(s.journal_unsent().await.unwrap().len(), 1);
    assert_eq!(fill(&s, "b").await, Seq(2));
}

#[tokio::test]
async fn a_deleted_instance_is_gone_and_no_straggler_writes() {
    let store = Arc::new(InMemory::new());
    let db = open(store.clone()).await;
    let (s, other) = (
        session(&db, InstanceId::random()),
        session(&db, InstanceId::random()),
    );
    fill(&s, "a").await;
    fill(&other, "a").await;
    let straggler = session(&db, s.instance());
    s.wipe_all().await.unwrap();
    assert!(matches!(s.get_meta("m").await, Err(Error::Wiped { .. })));
    assert!(matches!(
        straggler.put_meta("m", b"2", true).await,
        Err(Error::Wiped { .. })
    ));
    assert!(straggler.save(&Device::new()).await.is_err());

    let db = open(store).await;
    // Another key is fine: no row of the old one is left.
    let s = db.session(s.instance(), key(3));
    assert_no_session(&s).await;
    assert_eq!(s.get_meta("m").await.unwrap(), None);
    assert!(s.journal_unsent().await.unwrap().is_empty());
    assert_eq!(fill(&s, "a").await, Seq(1));
    assert!(session(&db, other.instance()).exists().await.unwrap());
}

#[tokio::test]
async fn a_revoked_handle_writes_nothing_into_its_successors_session() {
    let db = open(Arc::new(InMemory::new())).await;
    let s = session(&db, InstanceId::random());
    let (old, revoker) = s.revocable();
    old.put_identity("a@s.whatsapp.net", [1; 32]).await.unwrap();
    let straggler = old.clone();
    revoker.revoke();
    let late = straggler.put_identity("b@s.whatsapp.net", [2; 32]).await;
    assert!(late.is_err());
    assert!(straggler.load_identity("a@s.whatsapp.net").await.is_err());
    let meta = straggler.put_meta("m", b"1", false).await;
    assert!(matches!(meta, Err(Error::Revoked { .. })));

    // The session itself goes on, with what was written before.
    let (new, _revoker) = s.revocable();
    assert!(
        new.load_identity("a@s.whatsapp.net")
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        new.load_identity("b@s.whatsapp.net")
            .await
            .unwrap()
            .is_none()
    );
    new.put_identity("b@s.whatsapp.net", [3; 32]).await.unwrap();
}
