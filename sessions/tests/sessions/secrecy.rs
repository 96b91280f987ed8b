//! Nothing about an instance is readable in the object store.

use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::{ObjectStoreExt, PutPayload};
use pombal_domain::{EventId, InstanceId};
use pombal_sessions::{Error, JournalRow, Kind, guarded};
use wacore::store::Device;
use wacore::store::traits::*;

use crate::support::{key, objects, open, session};

const PHONE: &str = "5511987654321";
const SECRET: &[u8] = b"a very secret text that nobody may read";

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

#[tokio::test]
async fn object_files_hold_no_jids_names_keys_or_texts() {
    let store = Arc::new(InMemory::new());
    let instance = InstanceId::random();
    let db = open(store.clone()).await;
    let s = session(&db, instance);
    let jid = format!("{PHONE}@s.whatsapp.net");
    let mut device = Device::new();
    device.push_name = "Maria da Silva".to_owned();
    s.save(&device).await.unwrap();
    s.put_identity(&jid, [0x5A; 32]).await.unwrap();
    s.put_session(&jid, SECRET).await.unwrap();
    s.store_prekey(7, SECRET, false).await.unwrap();
    s.set_sender_key_status("12036304@g.us", &[(jid.as_str(), true)])
        .await
        .unwrap();
    s.touch_tc_token_sender_timestamp(&jid, 5).await.unwrap();
    s.store_sent_message(&jid, "3EB0ABCDEF", SECRET)
        .await
        .unwrap();
    s.store_pending_inbound(&jid, &jid, "3EB0ABCDEF", SECRET)
        .await
        .unwrap();
    s.put_msg_secret(&jid, &jid, "3EB0ABCDEF", &[0x5A; 32])
        .await
        .unwrap();
    let id = EventId::derive(instance, &["messages.upsert", &jid]);
    s.journal_append(vec![JournalRow::new(id, |_| SECRET.to_vec())])
        .await
        .unwrap();
    s.put_meta("owner", jid.as_bytes(), true).await.unwrap();
    let mapping = LidPnMappingEntry {
        lid: "100000012345678".to_owned(),
        phone_number: PHONE.to_owned(),
        created_at: 1,
        updated_at: 1,
        learning_source: "usync".to_owned(),
    };
    s.put_lid_mapping(&mapping).await.unwrap();
    let write_ahead = objects(store.as_ref()).await;
    // The close writes the same rows a second time, into a level-0 table.
    db.close().await.unwrap();
    let all = [write_ahead, objects(store.as_ref()).await].concat();
    assert!(all.iter().any(|(path, _)| path.contains("compacted")));
    assert!(
        all.iter()
            .any(|(_, bytes)| contains(bytes, instance.as_uuid().as_bytes()))
    );

    let needles: [&[u8]; 12] = [
        PHONE.as_bytes(),
        b"whatsapp.net",
        b"12036304",
        b"3EB0ABCDEF",
        b"Maria",
        b"100000012345678",
        b"push_name",
        b"owner",
        SECRET,
        &[0x5A; 32],
        &[1; 32],
        id.as_uuid().as_bytes(),
    ];
    for (path, bytes) in all {
        for needle in needles {
            let text = String::from_utf8_lossy(needle);
            assert!(!contains(&bytes, needle), "{text:?} is readable in {path}");
            assert!(!path.contains(&*text), "{text:?} is in the path {path}");
        }
    }
}

#[tokio::test]
async fn a_wrong_key_is_an_error_and_never_a_new_identity() {
    let store = Arc::new(InMemory::new());
    let instance = InstanceId::random();
    let db = open(store.clone()).await;
    session(&db, instance).save(&Device::new()).await.unwrap();
    db.close().await.unwrap();

    let db = open(store).await;
    let wrong = db.session(instance, key(2));
    assert!(wrong.load().await.is_err());
    assert!(wrong.exists().await.is_err());
    assert!(wrong.create().await.is_err());
    assert!(wrong.get_session("5511@s.whatsapp.net").await.is_err());
    assert!(matches!(
        wrong.get_meta("x").await,
        Err(Error::WrongKey { .. })
    ));
    assert!(matches!(
        wrong.put_meta("x", b"", true).await,
        Err(Error::WrongKey { .. })
    ));
    assert!(matches!(
        wrong.journal_unsent().await,
        Err(Error::WrongKey { .. })
    ));
    assert!(session(&db, instance).exists().await.unwrap());
    // Another instance under the same wrong key is a new one, and fine.
    assert!(
        !db.session(InstanceId::random(), key(2))
            .exists()
            .await
            .unwrap()
    );
}

/// A writer that knows neither key nor format puts foreign bytes under a row's key.
#[tokio::test]
async fn a_foreign_row_is_an_error_and_not_absence() {
    let store = Arc::new(InMemory::new());
    let instance = InstanceId::random();
    let db = open(store.clone()).await;
    session(&db, instance).save(&Device::new()).await.unwrap();
    db.close().await.unwrap();

    let raw = slatedb::Db::open("sessions/7", guarded(store.clone()))
        .await
        .unwrap();
    let mut row = instance.as_uuid().as_bytes().to_vec();
    row.push(Kind::Device.tag());
    assert!(
        raw.get(&row).await.unwrap().is_some(),
        "the documented layout"
    );
    raw.put(&row, b"not sealed by anyone").await.unwrap();
    raw.close().await.unwrap();

    let db = open(store).await;
    let s = session(&db, instance);
    let error = s.load().await.err().unwrap();
    let source = std::error::Error::source(&error)
        .unwrap()
        .downcast_ref::<Error>()
        .unwrap();
    assert!(
        matches!(
            source,
            Error::Unopenable {
                kind: Kind::Device,
                ..
            }
        ),
        "{source:?}"
    );
    assert!(s.exists().await.is_err());
    assert!(s.create().await.is_err());
}

#[tokio::test]
async fn damaged_objects_are_errors() {
    let store = Arc::new(InMemory::new());
    let instance = InstanceId::random();
    let db = open(store.clone()).await;
    session(&db, instance)
        .put_meta("x", &[9; 100], true)
        .await
        .unwrap();
    db.close().await.unwrap();
    for (path, mut bytes) in objects(store.as_ref()).await {
        if path.contains("compacted") {
            let middle = bytes.len() / 4;
            bytes[middle] ^= 0x40;
            store
                .put(&path.into(), PutPayload::from(bytes))
                .await
                .unwrap();
        }
    }
    let db = open(store).await;
    let read = session(&db, instance).get_meta("x").await;
    assert!(read.is_err(), "{read:?}");
}
