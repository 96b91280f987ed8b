//! Broken rules are noticed, and lost messages are recovered.

use std::path::Path;

use crate::common::{Saved, TestClient, eventually, paired, server, server_with};
use fake_whatsapp::{FakeWhatsApp, Options};
use whatsapp_rust::{Jid, NodeBuilder};

const ANA: &str = "5511999990001";
const BIA: &str = "5511999990002";
const CONTACT: &str = "5511888880001";

async fn has_violation(server: &FakeWhatsApp, kind: &str) {
    eventually(kind, || async {
        server
            .violations()
            .await
            .iter()
            .any(|violation| violation.kind == kind)
    })
    .await;
}

async fn inbox_has(server: &FakeWhatsApp, phone: &str, text: &str) {
    eventually(text, || async {
        server
            .inbox(phone)
            .await
            .is_ok_and(|inbox| inbox.iter().any(|item| item.text == text))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn restored_session_reuses_message_keys() {
    let server = server().await;
    server.expects_violations(["message-key-reused"]);
    // No echo: an answer that comes before the second send would start a new chain of keys.
    server
        .add_contact(CONTACT, "Caio", false)
        .await
        .expect("contact");
    let (ana, _) = paired(&server, ANA, "Ana").await;
    ana.send(CONTACT, "zero").await;
    inbox_has(&server, CONTACT, "zero").await;
    server
        .send_from_phone(CONTACT, ANA, "answer", None)
        .await
        .expect("answer");
    ana.texts(1, |text| text == "answer").await;
    let address = ana.session_address(CONTACT, 0).await;
    let Saved(store) = ana.stop().await;
    let backup = store
        .get_session(&address)
        .await
        .expect("store")
        .expect("session");
    for text in ["one", "two"] {
        store.put_session(&address, &backup).await.expect("restore");
        let ana = TestClient::start(&server, Saved(store.clone())).await;
        ana.connected(1).await;
        ana.send(CONTACT, text).await;
        eventually("the message arrived", || async {
            server.seen(Some(ANA), Some("message"), 0).await.items.len()
                >= usize::from(text == "two") + 2
        })
        .await;
        ana.stop().await;
        eventually("gone", || async { !server.devices().await[0].connected }).await;
    }
    has_violation(&server, "message-key-reused").await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_for_nothing_and_reused_prekeys_are_noticed() {
    let server = server().await;
    server.expects_violations(["receipt-for-unknown", "prekey-id-reused"]);
    server
        .add_contact(CONTACT, "Caio", false)
        .await
        .expect("contact");
    let (ana, _) = paired(&server, ANA, "Ana").await;
    ana.client
        .mark_as_read(&Jid::pn(CONTACT), None, &["NEVER"])
        .await
        .expect("mark");
    has_violation(&server, "receipt-for-unknown").await;
    for key in [[1; 32], [2; 32]] {
        let content = ana.upload_of(900_000, key);
        let iq = NodeBuilder::new("iq")
            .attr("to", "s.whatsapp.net")
            .attr("type", "set")
            .attr("xmlns", "encrypt")
            .attr("id", format!("upload-{}", key[0]))
            .children(content)
            .build();
        ana.client.send_node(iq).await.expect("upload");
    }
    has_violation(&server, "prekey-id-reused").await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_without_session_asks_the_phone_again() {
    let server = server().await;
    server
        .add_contact(CONTACT, "Caio", true)
        .await
        .expect("contact");
    let (ana, _) = paired(&server, ANA, "Ana").await;
    ana.send(CONTACT, "zero").await;
    ana.texts(1, |text| text == "echo: zero").await;
    let address = ana.session_address(CONTACT, 0).await;
    let Saved(store) = ana.stop().await;
    store.delete_session(&address).await.expect("delete");
    let ana = TestClient::start(&server, Saved(store)).await;
    ana.connected(1).await;
    server
        .send_from_phone(CONTACT, ANA, "lost and found", None)
        .await
        .expect("send");
    ana.texts(1, |text| text == "lost and found").await;
    let retries = server.seen(Some(ANA), Some("receipt"), 0).await.items;
    assert!(retries.iter().any(|item| item.details["type"] == "retry"));
    eventually("an empty queue", || async {
        server.devices().await[0].queued == 0
    })
    .await;
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_without_session_asks_the_other_client_again() {
    let server = server().await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    ana.send(BIA, "zero").await;
    bia.texts(1, |text| text == "zero").await;
    bia.send(ANA, "reply").await;
    ana.texts(1, |text| text == "reply").await;
    let address = bia.session_address(ANA, 1).await;
    let Saved(store) = bia.stop().await;
    assert!(
        store.has_session(&address).await.expect("store"),
        "{address}"
    );
    store.delete_session(&address).await.expect("delete");
    let bia = TestClient::start(&server, Saved(store)).await;
    bia.connected(1).await;
    ana.send(BIA, "lost and found").await;
    bia.texts(1, |text| text == "lost and found").await;
    let messages = server.seen(Some(ANA), Some("message"), 0).await.items;
    assert!(messages.iter().any(|item| item.details["retry"] == true));
    let violations = server.violations().await;
    assert!(violations.is_empty(), "{violations:?}");
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn phone_without_session_asks_the_client_again() {
    let dir = tempfile::tempdir().expect("dir");
    let options = || Options {
        state_dir: Some(dir.path().to_owned()),
        ..Options::default()
    };
    let server = server_with(options()).await;
    server
        .add_contact(CONTACT, "Caio", true)
        .await
        .expect("contact");
    let (ana, _) = paired(&server, ANA, "Ana").await;
    ana.send(CONTACT, "zero").await;
    ana.texts(1, |text| text == "echo: zero").await;
    let saved = ana.stop().await;
    server.shutdown().await;
    drop(server);
    forget_sessions(dir.path(), CONTACT);
    let server = server_with(options()).await;
    let ana = TestClient::start(&server, saved).await;
    ana.connected(1).await;
    ana.send(CONTACT, "lost and found").await;
    inbox_has(&server, CONTACT, "lost and found").await;
    let lost = server
        .seen(Some(ANA), Some("message-undecryptable"), 0)
        .await
        .items;
    assert!(!lost.is_empty());
    assert!(
        server.violations().await.is_empty(),
        "{:?}",
        server.violations().await
    );
    ana.stop().await;
    server.shutdown().await;
}

/// One phone loses its sessions. Only one: `whatsapp-rust` answers a retry receipt from what it
/// keeps of a sent message, once, so of two receipts at the same moment one is in vain.
fn forget_sessions(dir: &Path, phone: &str) {
    let db = rusqlite::Connection::open(dir.join("fake-whatsapp.sqlite")).expect("db");
    let forgotten = db
        .execute(
            "DELETE FROM state WHERE bucket = 'session' AND key LIKE ?1 || '/%'",
            [phone],
        )
        .expect("delete");
    assert!(forgotten > 0, "{phone} had sessions");
}
