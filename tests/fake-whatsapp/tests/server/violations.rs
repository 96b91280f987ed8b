//! Broken rules that are about stanzas, connections and prekeys.

use crate::common::{PATIENCE, Saved, TestClient, eventually, paired, server};
use fake_whatsapp::{Config, FakeWhatsApp};
use whatsapp_rust::{Jid, NodeBuilder};

const ANA: &str = "5511999990001";
const BIA: &str = "5511999990002";
const CONTACT: &str = "5511888880001";

async fn has_violation(server: &FakeWhatsApp, kind: &str) {
    eventually(kind, || async {
        let violations = server.violations().await;
        violations.iter().any(|violation| violation.kind == kind)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_and_acks_for_what_never_came() {
    let server = server().await;
    server.expects_violations([
        "receipt-for-undelivered",
        "receipt-for-unknown",
        "ack-for-unknown",
    ]);
    server
        .add_contact(CONTACT, "Caio", false)
        .await
        .expect("contact");
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let receipt = NodeBuilder::new("receipt")
        .attr("to", Jid::pn(CONTACT))
        .attr("id", "NEVER")
        .build();
    ana.client.send_node(receipt).await.expect("receipt");
    has_violation(&server, "receipt-for-undelivered").await;
    let ack = NodeBuilder::new("ack")
        .attr("to", Jid::pn(CONTACT))
        .attr("class", "receipt")
        .attr("id", "NEVER")
        .build();
    ana.client.send_node(ack).await.expect("ack");
    has_violation(&server, "ack-for-unknown").await;
    ana.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_id_for_two_requests() {
    let server = server().await;
    server.expects_violations(["iq-id-reused"]);
    let (ana, _) = paired(&server, ANA, "Ana").await;
    for _ in 0..2 {
        let ping = NodeBuilder::new("iq")
            .attr("to", "s.whatsapp.net")
            .attr("type", "get")
            .attr("xmlns", "w:p")
            .attr("id", "TWICE")
            .build();
        ana.client.send_node(ping).await.expect("ping");
    }
    has_violation(&server, "iq-id-reused").await;
    ana.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stanza_before_the_login_is_answered() {
    let server = server().await;
    server.expects_violations(["stanza-before-success"]);
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let saved = ana.stop().await;
    server
        .set_config(Config {
            login_delay_ms: 3000,
            ..Config::default()
        })
        .await;
    let ana = TestClient::start(&server, saved).await;
    ana.client
        .wait_for_socket(PATIENCE)
        .await
        .expect("a socket");
    let presence = NodeBuilder::new("presence")
        .attr("type", "available")
        .attr("name", "Ana")
        .build();
    ana.client.send_node(presence).await.expect("presence");
    has_violation(&server, "stanza-before-success").await;
    ana.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_logins() {
    let server = server().await;
    server.expects_violations(["login-flood"]);
    server
        .set_config(Config {
            max_logins_per_minute: Some(2),
            ..Config::default()
        })
        .await;
    // Pairing takes the first login.
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let mut saved = ana.stop().await;
    for login in 2..=3 {
        assert!(server.violations().await.is_empty());
        eventually("gone", || async { !server.devices().await[0].connected }).await;
        let ana = TestClient::start(&server, saved).await;
        ana.connected(1).await;
        assert_eq!(server.devices().await[0].logins, login);
        saved = ana.stop().await;
    }
    has_violation(&server, "login-flood").await;
}

/// Uploads one prekey under a request id.
async fn upload(client: &TestClient, request: &str, id: u32, key: [u8; 32]) {
    let content = client.upload_of(id, key);
    let iq = NodeBuilder::new("iq")
        .attr("to", "s.whatsapp.net")
        .attr("type", "set")
        .attr("xmlns", "encrypt")
        .attr("id", request)
        .children(content)
        .build();
    client.client.send_node(iq).await.expect("upload");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prekey_that_was_handed_out_is_offered_again() {
    let server = server().await;
    server.expects_violations(["used-prekey-uploaded"]);
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    // Zero is before all ids of the client, and the lowest id is handed out first.
    upload(&ana, "first", 0, [9; 32]).await;
    eventually("two uploads", || async {
        server.seen(Some(ANA), Some("prekeys"), 0).await.items.len() == 2
    })
    .await;
    let user = NodeBuilder::new("user")
        .attr("jid", Jid::pn_device(ANA, 1))
        .build();
    let fetch = NodeBuilder::new("iq")
        .attr("to", "s.whatsapp.net")
        .attr("type", "get")
        .attr("xmlns", "encrypt")
        .attr("id", "fetch")
        .children([NodeBuilder::new("key").children([user]).build()])
        .build();
    bia.client.send_node(fetch).await.expect("fetch");
    // Bia's requests are answered in order, so the bundle is out when this is answered.
    bia.client
        .contacts()
        .is_on_whatsapp(&[Jid::pn(ANA)])
        .await
        .expect("usync");
    upload(&ana, "second", 0, [9; 32]).await;
    has_violation(&server, "used-prekey-uploaded").await;
    ana.stop().await;
    bia.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn message_keys_between_companions_are_watched_as_well() {
    let server = server().await;
    server.expects_violations(["message-key-reused"]);
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    ana.send(BIA, "zero").await;
    bia.texts(1, |text| text == "zero").await;
    bia.send(ANA, "answer").await;
    ana.texts(1, |text| text == "answer").await;
    let address = ana.session_address(BIA, 1).await;
    let Saved(store) = ana.stop().await;
    let backup = store
        .get_session(&address)
        .await
        .expect("store")
        .expect("session");
    for n in 0..2 {
        store.put_session(&address, &backup).await.expect("restore");
        eventually("gone", || async { !server.devices().await[0].connected }).await;
        let ana = TestClient::start(&server, Saved(store.clone())).await;
        ana.connected(1).await;
        ana.send(BIA, &format!("text {n}")).await;
        eventually("the message arrived", || async {
            server.seen(Some(ANA), Some("message"), 0).await.items.len() >= n + 2
        })
        .await;
        ana.stop().await;
    }
    has_violation(&server, "message-key-reused").await;
    bia.stop().await;
}
