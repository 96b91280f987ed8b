//! Broken rules of groups are noticed.

use crate::common::{Saved, TestClient, eventually, paired, server};
use crate::groups::{contacts, created_by, created_on_phone, phone_has};
use fake_whatsapp::{Config, FakeWhatsApp, GroupOrder};
use wacore::libsignal::protocol::{KeyPair, SenderKeyMessage};
use wacore::types::jid::{JidExt as _, make_sender_key_name};
use whatsapp_rust::{Jid, NodeBuilder};

const ANA: &str = "5511999990001";
const BIA: &str = "5511999990002";
const CAIO: &str = "5511888880001";

async fn has_violation(server: &FakeWhatsApp, kind: &str) {
    eventually(kind, || async {
        let violations = server.violations().await;
        violations.iter().any(|violation| violation.kind == kind)
    })
    .await;
}

/// A message of a sender key that the client does not know itself.
fn shared(chain: u32, iteration: u32, signing: &KeyPair) -> Vec<u8> {
    let ciphertext = vec![7; 32].into_boxed_slice();
    let key = &signing.private_key;
    let message = SenderKeyMessage::new(3, chain, iteration, ciphertext, &mut rand::rng(), key);
    message.expect("message").into_serialized().into_vec()
}

/// Sends an `skmsg` past the client's own code, without a sender key for anyone.
async fn send_shared(client: &TestClient, group: &Jid, id: &str, bytes: Vec<u8>) {
    let enc = NodeBuilder::new("enc")
        .attr("v", "2")
        .attr("type", "skmsg")
        .bytes(bytes)
        .build();
    let message = NodeBuilder::new("message")
        .attr("to", group)
        .attr("id", id)
        .attr("type", "text")
        .attr("addressing_mode", "lid")
        .children([enc])
        .build();
    client.client.send_node(message).await.expect("send");
}

async fn messages(server: &FakeWhatsApp, phone: &str) -> usize {
    let seen = server.seen(Some(phone), Some("message"), 0).await;
    seen.items.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_sender_key_is_noticed() {
    let server = server().await;
    server.expects_violations(["sender-key-reused"]);
    contacts(&server, &[CAIO]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let group = created_by(&ana, &[CAIO]).await;
    ana.send_to(&group, "zero").await;
    phone_has(&server, CAIO, "zero").await;
    let own = ana.client.lid().expect("lid").to_protocol_address();
    let key = make_sender_key_name(&group, &own).cache_key().to_owned();
    let Saved(store) = ana.stop().await;
    let backup = store.get_sender_key(&key).await.expect("store");
    let backup = backup.expect("a sender key");
    for text in ["one", "two"] {
        store.put_sender_key(&key, &backup).await.expect("restore");
        let before = messages(&server, ANA).await;
        let ana = TestClient::start(&server, Saved(store.clone())).await;
        ana.connected(1).await;
        ana.send_to(&group, text).await;
        eventually("the message arrived", || async {
            messages(&server, ANA).await > before
        })
        .await;
        ana.stop().await;
        eventually("gone", || async { !server.devices().await[0].connected }).await;
    }
    has_violation(&server, "sender-key-reused").await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_key_that_goes_back_after_a_login_is_noticed() {
    let server = server().await;
    server.expects_violations(["sender-key-not-given", "sender-key-went-back"]);
    contacts(&server, &[CAIO]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let group = created_on_phone(&server, CAIO, &[ANA]).await;
    ana.send_to(&group, "given").await;
    phone_has(&server, CAIO, "given").await;
    let signing = KeyPair::generate(&mut rand::rng());
    send_shared(&ana, &group, "ONE", shared(77, 5, &signing)).await;
    send_shared(&ana, &group, "TWO", shared(77, 4, &signing)).await;
    eventually("both arrived", || async {
        messages(&server, ANA).await == 3
    })
    .await;
    let kinds = server.violations().await;
    assert!(
        kinds.iter().all(|it| it.kind != "sender-key-went-back"),
        "within a login, messages may overtake each other"
    );
    let saved = ana.stop().await;
    eventually("gone", || async { !server.devices().await[0].connected }).await;
    let ana = TestClient::start(&server, saved).await;
    ana.connected(1).await;
    send_shared(&ana, &group, "THREE", shared(77, 3, &signing)).await;
    has_violation(&server, "sender-key-went-back").await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_key_that_nobody_got_is_noticed() {
    let server = server().await;
    server.expects_violations(["sender-key-not-given"]);
    contacts(&server, &[CAIO]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let group = created_by(&ana, &[CAIO]).await;
    ana.send_to(&group, "given").await;
    phone_has(&server, CAIO, "given").await;
    let signing = KeyPair::generate(&mut rand::rng());
    send_shared(&ana, &group, "ONE", shared(78, 0, &signing)).await;
    has_violation(&server, "sender-key-not-given").await;
    let who: Vec<_> = server.violations().await;
    assert!(who.iter().any(|it| it.detail.contains(CAIO)), "{who:?}");
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_group_message_is_noticed() {
    let server = server().await;
    server.expects_violations(["sender-key-unreadable"]);
    contacts(&server, &[CAIO]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let group = created_by(&ana, &[CAIO]).await;
    send_shared(&ana, &group, "ONE", vec![1, 2, 3]).await;
    has_violation(&server, "sender-key-unreadable").await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_member_and_knows_it_must_not_write() {
    let server = server().await;
    server.expects_violations(["group-not-member"]);
    contacts(&server, &[CAIO]).await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    let group = created_on_phone(&server, CAIO, &[ANA, BIA]).await;
    let signing = KeyPair::generate(&mut rand::rng());
    let order = GroupOrder::Remove {
        phones: vec![ANA.to_owned(), BIA.to_owned()],
    };
    server
        .change_group(CAIO, &group.to_string(), order)
        .await
        .expect("remove");
    eventually("everyone knows", || async {
        server
            .devices()
            .await
            .iter()
            .all(|device| device.queued == 0)
    })
    .await;
    // For a while nobody is blamed for what he was about to send.
    send_shared(&ana, &group, "ZERO", shared(79, 0, &signing)).await;
    eventually("a refusal", || async { messages(&server, ANA).await == 1 }).await;
    assert!(server.violations().await.is_empty());
    server
        .set_config(Config {
            group_news_ms: Some(0),
            ..server.config().await
        })
        .await;
    send_shared(&ana, &group, "ONE", shared(79, 1, &signing)).await;
    has_violation(&server, "group-not-member").await;
    // A client asks the server who is in the group, and so does not write.
    let message = whatsapp_rust::waproto::whatsapp::Message {
        conversation: Some("no".to_owned()),
        ..Default::default()
    };
    let refused = bia.client.send_message(&group, message).await;
    assert!(refused.is_err());
    let inbox = server.inbox(CAIO).await.expect("inbox");
    assert!(inbox.is_empty(), "{inbox:?}");
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}
