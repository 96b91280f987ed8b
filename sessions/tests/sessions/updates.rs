//! Reads followed by writes, against other writes in between.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use object_store::memory::InMemory;
use pombal_domain::InstanceId;
use pombal_sessions::Session;
use wacore::store::traits::*;

use crate::support::{open, session};

async fn fresh() -> Session {
    session(&open(Arc::new(InMemory::new())).await, InstanceId::random())
}

#[tokio::test]
async fn of_many_takers_one_gets_the_sent_message() {
    let s = fresh().await;
    for n in 0..20 {
        let id = format!("3EB0{n}");
        s.store_sent_message("c@g.us", &id, b"payload")
            .await
            .unwrap();
        let takes = join_all((0..8).map(|_| s.take_sent_message("c@g.us", &id))).await;
        assert_eq!(
            takes
                .into_iter()
                .filter(|taken| taken.as_ref().unwrap().is_some())
                .count(),
            1
        );
    }
}

#[tokio::test]
async fn a_consumed_prekey_is_not_resurrected_by_the_upload_mark() {
    let s = fresh().await;
    for id in 1..=50 {
        s.store_prekey(id, b"record", false).await.unwrap();
        let ids = [id];
        let (mark, remove) = futures::join!(s.mark_prekeys_uploaded(&ids), s.remove_prekey(id));
        mark.unwrap();
        remove.unwrap();
        assert_eq!(s.load_prekey(id).await.unwrap(), None);
    }
    s.mark_prekeys_uploaded(&[1, 2, 3]).await.unwrap();
    assert_eq!(s.get_max_prekey_id().await.unwrap(), 0);
    s.store_prekeys_batch(&[(9, Bytes::from_static(b"r"))], false)
        .await
        .unwrap();
    s.mark_prekeys_uploaded(&[9]).await.unwrap();
    assert_eq!(s.load_prekey(9).await.unwrap().as_deref(), Some(&b"r"[..]));
}

#[tokio::test]
async fn the_two_writers_of_a_tc_token_keep_each_others_field() {
    let s = fresh().await;
    for n in 1..=50_i64 {
        let token = n.to_be_bytes();
        let (token, touch) = futures::join!(
            s.store_received_tc_token("a@lid", &token, n),
            s.touch_tc_token_sender_timestamp("a@lid", n),
        );
        token.unwrap();
        touch.unwrap();
        let entry = s.get_tc_token("a@lid").await.unwrap().unwrap();
        assert_eq!(entry.sender_timestamp, Some(n));
        assert_eq!(entry.token, n.to_be_bytes());
    }
}

/// Unlike `wacore`'s in-memory backend, which forgets the number here although the trait
/// asks for "the most recent LID for that phone".
#[tokio::test]
async fn a_phone_that_moved_on_keeps_its_newer_lid() {
    let entry = |lid: &str, phone: &str| LidPnMappingEntry {
        lid: lid.to_owned(),
        phone_number: phone.to_owned(),
        created_at: 1,
        updated_at: 1,
        learning_source: "usync".to_owned(),
    };
    let puts = [entry("1", "55"), entry("2", "55"), entry("1", "66")];
    let one_by_one = fresh().await;
    for put in &puts {
        one_by_one.put_lid_mapping(put).await.unwrap();
    }
    let batch = fresh().await;
    batch.put_lid_mappings(&puts).await.unwrap();
    for s in [one_by_one, batch] {
        assert_eq!(s.get_pn_mapping("55").await.unwrap().unwrap().lid, "2");
        assert_eq!(s.get_pn_mapping("66").await.unwrap().unwrap().lid, "1");
        s.put_lid_mapping(&entry("2", "77")).await.unwrap();
        assert!(s.get_pn_mapping("55").await.unwrap().is_none());
    }
}

#[tokio::test]
async fn creating_a_device_twice_keeps_the_first() {
    let s = fresh().await;
    assert_eq!(s.create().await.unwrap(), 1);
    let first = s.load().await.unwrap().unwrap();
    assert_eq!(s.create().await.unwrap(), 1);
    let again = s.load().await.unwrap().unwrap();
    assert_eq!(first.registration_id, again.registration_id);
    assert_eq!(first.noise_key.public_key, again.noise_key.public_key);
}
