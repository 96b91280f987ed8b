//! Nothing about a session that was really used is readable in the object store.

use std::sync::Arc;

use object_store::memory::InMemory;
use pombal_domain::InstanceId;
use rand::SeedableRng;
use rand::rngs::StdRng;
use wacore::libsignal::protocol::{KeyPair, ProtocolAddress, SenderKeyName};
use wacore::store::in_memory::InMemoryBackend;
use wacore::store::traits::*;

use crate::chaos::signal::{Signal, prekey};
use crate::support::{key, objects, open, session};
use crate::writes::{self, DEVICE};

const US: &str = "15550001000@s.whatsapp.net";
const THEM: &str = "15550002000@s.whatsapp.net";
const GROUP: &str = "120363000000000001@g.us";
const TEXT: &[u8] = b"the text of a message";

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

/// Everything secret that this session has come to hold, with its name.
struct Secrets(Vec<(String, Vec<u8>)>);

impl Secrets {
    fn add(&mut self, name: impl Into<String>, bytes: &[u8]) {
        assert!(bytes.len() >= 5, "too short to look for");
        self.0.push((name.into(), bytes.to_vec()));
    }

    fn add_pair(&mut self, name: &str, pair: &KeyPair) {
        self.add(
            format!("{name}, private"),
            &pair.private_key.serialize()[..],
        );
        self.add(
            format!("{name}, public"),
            pair.public_key.public_key_bytes(),
        );
    }

    /// Pieces of a record that holds keys: any of them would be too much.
    fn add_record(&mut self, name: &str, record: &[u8]) {
        for (n, piece) in record.chunks_exact(24).enumerate() {
            self.add(format!("{name}, piece {n}"), piece);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn raw_objects_of_a_used_session_tell_nothing_but_the_instance() {
    let store = Arc::new(InMemory::new());
    let instance = InstanceId::random();
    let db = open(store.clone()).await;
    let s = session(&db, instance);
    writes::seed(&s).await;
    let mut device = DEVICE.clone();
    device.push_name = "Maria da Silva".to_owned();
    device.pn = Some(US.parse().unwrap());
    s.save(&device).await.unwrap();

    // A conversation and a group, with the real ciphers.
    let ours = Signal::new(device.clone(), Arc::new(s.clone()));
    let peer = Signal::new(
        wacore::store::Device::new(),
        Arc::new(InMemoryBackend::new()),
    );
    let us = ProtocolAddress::new(US, 0.into());
    let them = ProtocolAddress::new(THEM, 0.into());
    let group = SenderKeyName::from_parts(GROUP, US);
    let (record, public) = prekey(77, 1);
    s.store_prekey(77, &record, true).await.unwrap();
    peer.start(&us, &ours.bundle(Some((77, public))).await, 1)
        .await
        .unwrap();
    let first = peer.encrypt(&us, TEXT).await.unwrap();
    assert_eq!(ours.decrypt(&them, &first, 2).await.unwrap(), TEXT);
    ours.flush().await.unwrap();
    let answer = ours.encrypt(&them, TEXT).await.unwrap();
    assert_eq!(peer.decrypt(&us, &answer, 3).await.unwrap(), TEXT);
    ours.distribution(&group, 4).await.unwrap();
    ours.group_encrypt(&group, TEXT, 5).await.unwrap();
    ours.flush().await.unwrap();
    s.store_sent_message(GROUP, "3EB0AAAABBBB", TEXT)
        .await
        .unwrap();

    let mut secrets = Secrets(Vec::new());
    for (name, pair) in [
        ("noise key", &device.noise_key),
        ("identity key", &device.identity_key),
        ("signed prekey", &device.signed_pre_key),
    ] {
        secrets.add_pair(name, pair);
    }
    secrets.add("adv secret", &device.adv_secret_key);
    secrets.add_pair(
        "one-time prekey",
        &KeyPair::generate(&mut StdRng::seed_from_u64(1 ^ 0x0FEE)),
    );
    secrets.add_record(
        "session",
        &s.get_session(them.as_str()).await.unwrap().unwrap(),
    );
    secrets.add_record(
        "sender key",
        &s.get_sender_key(group.cache_key()).await.unwrap().unwrap(),
    );
    secrets.add(
        "identity",
        &s.load_identity(them.as_str()).await.unwrap().unwrap(),
    );
    for text in [
        "15550001000",
        "15550002000",
        "120363000000000001",
        "whatsapp.net",
        "@g.us",
        "7@lid",
        "Maria",
        "push_name",
        "the text of",
        "3EB0AAAABBBB",
        writes::M,
        "5511900000001",
        "5511900000002",
        "100000000000007",
        "120363041234567890",
        "regular",
        "usync",
        "messages",
    ] {
        secrets.add(format!("{text:?}"), text.as_bytes());
    }
    for n in 1..=2 {
        secrets.add("event id", writes::event(instance, n).as_uuid().as_bytes());
        secrets.add("event", format!("{n} as {n}").as_bytes());
    }
    secrets.add("data key", &[1; 32]);
    secrets.add("values of rows", &[1; 30]);

    let mut all = objects(store.as_ref()).await;
    db.close().await.unwrap();
    let db = open(store.clone()).await;
    // The compactor writes every row once more.
    for round in 0..5_u8 {
        session(&db, instance)
            .put_meta("round", &[round], true)
            .await
            .unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    }
    db.close().await.unwrap();
    all.extend(objects(store.as_ref()).await);
    let id = instance.as_uuid().as_bytes();
    assert!(
        all.iter().any(|(_, bytes)| contains(bytes, id)),
        "looked in the wrong place"
    );
    for (path, bytes) in &all {
        for (name, secret) in &secrets.0 {
            assert!(!contains(bytes, secret), "{name} is readable in {path}");
        }
    }
    // With another key nothing opens, and nothing is taken for absent.
    let db = open(store).await;
    let stranger = db.session(instance, key(2));
    assert!(stranger.load().await.is_err());
    assert!(stranger.get_session(them.as_str()).await.is_err());
    assert!(stranger.get_sender_key(group.cache_key()).await.is_err());
}
