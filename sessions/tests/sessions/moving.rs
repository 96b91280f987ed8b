//! A session moves: out of one deployment's database and into another's.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use object_store::memory::InMemory;
use pombal_domain::instance::{Integration, Observed, Pairing, Settings};
use pombal_domain::time::UnixMs;
use pombal_domain::{Desired, EventId, InstanceId, Seq};
use pombal_sessions::{
    Appended, Archive, ArchiveError, Card, Error, JournalRow, Kind, Passphrase, Session, guarded,
};
use pombal_store::keys::DataKey;
use wacore::store::Device;
use wacore::store::traits::*;

use crate::support::{key, objects, open, session};

const SECRET: &[u8] = b"a very secret text that nobody may read";
const GROUP: &str = "12036304@g.us";
const JID: &str = "5511987654321@s.whatsapp.net";

fn passphrase() -> Passphrase {
    Passphrase::new("a passphrase of some length")
}

fn card(id: InstanceId) -> Card {
    Card {
        id,
        name: "ana".parse().unwrap(),
        integration: Integration::Baileys,
        number: None,
        token: "token".to_owned(),
        desired: Desired::Connected,
        pairing: Pairing::Qr,
        generation: 1,
        settings: Settings::default(),
        proxy: None,
        webhook: None,
        websocket: None,
        sqs: None,
        observed: Observed::never(),
        created_at: UnixMs(1),
        exported_at: UnixMs(2),
        exported_by: "test".to_owned(),
    }
}

fn paired_device() -> Device {
    let mut device = Device::new();
    device.pn = Some(JID.parse().unwrap());
    device.push_name = "Maria".to_owned();
    device
}

/// Something of every kind of row.
async fn fill(s: &Session) {
    s.save(&paired_device()).await.unwrap();
    s.put_identity(JID, [0x5A; 32]).await.unwrap();
    s.put_session(JID, SECRET).await.unwrap();
    for id in 1..=50 {
        s.store_prekey(id, SECRET, true).await.unwrap();
    }
    s.store_signed_prekey(1, SECRET).await.unwrap();
    s.put_sender_key("12036304@g.us::5511", SECRET)
        .await
        .unwrap();
    s.set_sender_key_status(GROUP, &[(JID, true)])
        .await
        .unwrap();
    s.put_lid_mapping(&LidPnMappingEntry {
        lid: "100000012345678".to_owned(),
        phone_number: "5511987654321".to_owned(),
        created_at: 1,
        updated_at: 1,
        learning_source: "usync".to_owned(),
    })
    .await
    .unwrap();
    s.store_sent_message(JID, "3EB0", SECRET).await.unwrap();
    s.store_pending_inbound(JID, JID, "3EB1", SECRET)
        .await
        .unwrap();
    s.put_msg_secret(JID, JID, "3EB0", &[0x5A; 32])
        .await
        .unwrap();
    s.put_meta("settled", b"meta", true).await.unwrap();
    let ids = [event(s, "a"), event(s, "b"), event(s, "c")];
    let rows = ids
        .iter()
        .map(|id| JournalRow::new(*id, |seq| seq.to_string().into_bytes()));
    s.journal_append(rows.collect()).await.unwrap();
    s.journal_sent(&ids[..1]).await.unwrap();
}

fn event(s: &Session, name: &str) -> EventId {
    EventId::derive(s.instance(), &[name])
}

async fn export(s: &Session) -> (Vec<u8>, u64) {
    s.export(card(s.instance()), &passphrase(), Vec::new())
        .await
        .unwrap()
}

async fn archive(file: Vec<u8>) -> Archive<Cursor<Vec<u8>>> {
    Archive::open(Cursor::new(file), &passphrase())
        .await
        .unwrap()
}

async fn assert_full(s: &Session) {
    let device = s.load().await.unwrap().unwrap();
    let expected = paired_device();
    assert_eq!(device.pn, expected.pn);
    assert_eq!(device.push_name, "Maria");
    assert_eq!(s.load_identity(JID).await.unwrap(), Some([0x5A; 32]));
    assert_eq!(s.get_session(JID).await.unwrap().as_deref(), Some(SECRET));
    assert!(s.has_signal_state_for_user("5511987654321").await.unwrap());
    assert_eq!(s.get_max_prekey_id().await.unwrap(), 50);
    assert_eq!(s.load_prekey(50).await.unwrap().as_deref(), Some(SECRET));
    assert_eq!(s.load_all_signed_prekeys().await.unwrap().len(), 1);
    let sender_key = s.get_sender_key("12036304@g.us::5511").await.unwrap();
    assert_eq!(sender_key.as_deref(), Some(SECRET));
    assert_eq!(s.get_sender_key_devices(GROUP).await.unwrap().len(), 1);
    let mapping = s.get_pn_mapping("5511987654321").await.unwrap().unwrap();
    assert_eq!(mapping.lid, "100000012345678");
    let secret = s.get_msg_secret(JID, JID, "3EB0").await.unwrap();
    assert_eq!(secret, Some(vec![0x5A; 32]));
    let pending = s.get_pending_inbound(JID, JID, "3EB1").await.unwrap();
    assert_eq!(pending.as_deref(), Some(SECRET));
    assert_eq!(
        s.get_meta("settled").await.unwrap().as_deref(),
        Some(&b"meta"[..])
    );
    let unsent = s.journal_unsent().await.unwrap();
    let unsent: Vec<_> = unsent.iter().map(|(seq, id, _)| (*seq, *id)).collect();
    assert_eq!(unsent, [(Seq(2), event(s, "b")), (Seq(3), event(s, "c"))]);
}

#[tokio::test]
async fn a_session_is_the_same_in_another_deployment() {
    let here = open(Arc::new(InMemory::new())).await;
    let old = session(&here, InstanceId::random());
    fill(&old).await;
    // A neighbour on the shard stays out of it.
    fill(&session(&here, InstanceId::random())).await;
    let (file, rows) = export(&old).await;
    assert_full(&old).await;

    let store = Arc::new(InMemory::new());
    let there = open(store.clone()).await;
    let mut archive = archive(file).await;
    assert_eq!(archive.card(), &card(old.instance()));
    assert_eq!(archive.verify().await.unwrap(), rows);
    let new_key = DataKey::random().unwrap();
    let new = there.session(old.instance(), archive.adopt(new_key.clone()));
    assert_eq!(new.import(&mut archive).await.unwrap(), rows);
    assert_full(&new).await;
    there.close().await.unwrap();

    // After a restart, and the journal goes on where it was: no number is given out twice.
    let there = open(store.clone()).await;
    let new = there.session(old.instance(), archive.adopt(new_key.clone()));
    assert_full(&new).await;
    let known = JournalRow::new(event(&new, "a"), |_| Vec::new());
    let fresh = JournalRow::new(event(&new, "d"), |_| Vec::new());
    let appended = new.journal_append(vec![known, fresh]).await.unwrap();
    assert!(matches!(
        appended[0],
        Appended::Existing {
            seq: Seq(1),
            sent: true,
            ..
        }
    ));
    assert_eq!(appended[1], Appended::New { seq: Seq(4) });

    // Re-sealed: neither the old key nor the new one without the row key opens anything.
    for wrong in [key(1), archive.adopt(key(1)), key(9)] {
        let other = there.session(old.instance(), wrong);
        assert!(matches!(
            other.get_meta("settled").await,
            Err(Error::WrongKey { .. })
        ));
    }
    for (path, bytes) in objects(store.as_ref()).await {
        for needle in [SECRET, b"Maria", b"5511987654321", new_key.expose()] {
            let found = bytes.windows(needle.len()).any(|part| part == needle);
            assert!(!found, "{path}");
        }
    }
    // And on from there: a session that came from elsewhere can leave again.
    let (_, again) = export(&new).await;
    assert!(again > rows);
}

/// When each row of the instance goes, as the database itself keeps it.
async fn expiries(store: Arc<InMemory>, s: &Session) -> BTreeMap<Bytes, Option<i64>> {
    s.shard_db().close().await.unwrap();
    let raw = slatedb::Db::open("sessions/7", guarded(store))
        .await
        .unwrap();
    let prefix = s.instance().as_uuid().as_bytes().to_vec();
    let mut rows = raw.scan_prefix(&prefix, ..).await.unwrap();
    let mut expiries = BTreeMap::new();
    while let Some(row) = rows.next().await.unwrap() {
        if row.key.get(16) != Some(&Kind::KeyCheck.tag()) {
            expiries.insert(row.key, row.expire_ts);
        }
    }
    expiries
}

#[tokio::test]
async fn every_row_keeps_its_key_and_its_expiry() {
    let (old_store, new_store) = (Arc::new(InMemory::new()), Arc::new(InMemory::new()));
    let here = open(old_store.clone()).await;
    let old = session(&here, InstanceId::random());
    fill(&old).await;
    let (file, rows) = export(&old).await;
    let there = open(new_store.clone()).await;
    let mut archive = archive(file).await;
    let new = there.session(old.instance(), archive.adopt(key(2)));
    new.import(&mut archive).await.unwrap();

    let before = expiries(old_store, &old).await;
    assert_eq!(before.len() as u64, rows);
    assert!(before.values().any(Option::is_some));
    assert!(before.values().any(Option::is_none));
    assert_eq!(expiries(new_store, &new).await, before);
}

#[tokio::test]
async fn an_instance_that_is_not_paired_has_no_session_to_export() {
    let db = open(Arc::new(InMemory::new())).await;
    let s = session(&db, InstanceId::random());
    for paired in [None, Some(Device::new())] {
        if let Some(device) = paired {
            s.save(&device).await.unwrap();
        }
        let exported = s
            .export(card(s.instance()), &passphrase(), Vec::new())
            .await;
        assert!(matches!(exported, Err(ArchiveError::NotPaired)));
    }
}

#[tokio::test]
async fn an_archive_goes_only_where_it_belongs() {
    let db = open(Arc::new(InMemory::new())).await;
    let s = session(&db, InstanceId::random());
    fill(&s).await;
    let (file, _) = export(&s).await;
    let mut archive = archive(file).await;
    let there = open(Arc::new(InMemory::new())).await;

    let other = there.session(InstanceId::random(), archive.adopt(key(2)));
    let refused = other.import(&mut archive).await;
    assert!(matches!(refused, Err(ArchiveError::Content(_))));
    let unhashed = there.session(s.instance(), key(2));
    let refused = unhashed.import(&mut archive).await;
    assert!(matches!(refused, Err(ArchiveError::Content(_))));
    assert!(!unhashed.exists().await.unwrap());
    unhashed.wipe_all().await.unwrap();

    let new = there.session(s.instance(), archive.adopt(key(2)));
    new.import(&mut archive).await.unwrap();
    archive.verify().await.err();
    let refused = new.import(&mut archive).await;
    assert!(matches!(refused, Err(ArchiveError::NotEmpty)));
    assert_full(&new).await;
}

/// A file that turns out to be damaged only while it is imported leaves nothing.
#[tokio::test]
async fn an_import_that_breaks_off_leaves_no_rows() {
    let here = open(Arc::new(InMemory::new())).await;
    let old = session(&here, InstanceId::random());
    fill(&old).await;
    for n in 0..40 {
        old.put_session(&format!("{n}@lid"), &[n; 100_000])
            .await
            .unwrap();
    }
    let (mut file, _) = export(&old).await;
    let last = file.len() - 1;
    file[last] ^= 1;
    let mut archive = archive(file).await;
    let store = Arc::new(InMemory::new());
    let there = open(store.clone()).await;
    let new = there.session(old.instance(), archive.adopt(key(2)));
    let broken = new.import(&mut archive).await;
    assert!(matches!(broken, Err(ArchiveError::Damaged)));
    // Under any key: there is not even the row that proves one.
    let fresh = there.session(old.instance(), key(3));
    assert!(!fresh.exists().await.unwrap());
    assert_eq!(fresh.journal_unsent().await.unwrap(), []);
}
