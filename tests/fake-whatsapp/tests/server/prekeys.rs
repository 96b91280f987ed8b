//! Prekeys of clients: counts, uploads, rotation, exhaustion, and new identities.

use crate::common::{TestClient, eventually, paired, server};
use crate::people::{ANA, BIA, CAIO, ask, contact, leave, settled};
use wacore::prekeys::PreKeyUtils;
use wacore::types::events::Event;
use wacore_binary::Node;
use whatsapp_rust::{Jid, NodeBuilder};

/// `PREKEYS` of the test client, and what is left when the server asks for more.
const UPLOADED: usize = 30;
const LOW: usize = 10;

/// Asks for the bundles of some devices.
async fn bundles(client: &TestClient, devices: &[Jid]) -> Vec<Node> {
    let users = devices
        .iter()
        .map(|jid| NodeBuilder::new("user").attr("jid", jid).build());
    let key = NodeBuilder::new("key")
        .children(users.collect::<Vec<_>>())
        .build();
    let answer = ask(client, "encrypt", false, vec![key])
        .await
        .expect("keys");
    let list = answer.get_optional_child_by_tag(&["list"]).expect("list");
    list.children().unwrap_or_default().to_vec()
}

async fn left(client: &TestClient) -> usize {
    let count = NodeBuilder::new("count").build();
    let answer = ask(client, "encrypt", false, vec![count]).await;
    let answer = answer.expect("count");
    let count = answer.get_optional_child_by_tag(&["count"]).expect("count");
    let value = count.attrs.get("value").expect("value").as_str();
    value.parse().expect("number")
}

fn has(node: &Node, tag: &str) -> bool {
    node.get_optional_child_by_tag(&[tag]).is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_low_pool_is_filled_when_the_server_asks() {
    let server = server().await;
    let (ana, of_ana) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    eventually("the first upload", || async {
        left(&ana).await == UPLOADED
    })
    .await;
    let device: Jid = of_ana.jid.parse().expect("JID");
    for _ in 0..UPLOADED - LOW {
        let user = bundles(&bia, std::slice::from_ref(&device)).await;
        assert!(has(&user[0], "key"), "one key each");
    }
    eventually("a second upload", || async { left(&ana).await > LOW }).await;
    let uploads = server.seen(Some(ANA), Some("prekeys"), 0).await.items;
    assert!(uploads.len() >= 2, "{uploads:?}");
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_pool_still_lets_people_write() {
    let server = server().await;
    let (ana, of_ana) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    eventually("the upload", || async { left(&ana).await == UPLOADED }).await;
    let saved = leave(ana, &server, ANA).await;
    let device: Jid = of_ana.jid.parse().expect("JID");
    let same = vec![device.clone(); UPLOADED];
    assert_eq!(bundles(&bia, &same).await.len(), UPLOADED);
    let empty = bundles(&bia, &[device]).await;
    assert!(has(&empty[0], "skey") && !has(&empty[0], "key"));
    bia.send(ANA, "without a one-time key").await;
    let ana = TestClient::start(&server, saved).await;
    ana.texts(1, |text| text == "without a one-time key").await;
    eventually("a new pool", || async { left(&ana).await > LOW }).await;
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_has_bundles_and_errors_by_user() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, of_ana) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    eventually("the upload", || async { left(&ana).await == UPLOADED }).await;
    let devices = [
        of_ana.jid.parse().expect("JID"),
        Jid::pn(CAIO),
        Jid::pn(CAIO).with_device(7),
        Jid::pn("5511777770000"),
    ];
    let users = bundles(&bia, &devices).await;
    let found: Vec<_> = users.iter().map(|user| has(user, "skey")).collect();
    assert_eq!(found, [true, true, false, false]);
    for user in &users[2..] {
        let error = user.get_optional_child_by_tag(&["error"]).expect("error");
        assert!(error.attrs.get("code").is_some_and(|code| code == "406"));
    }
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_signed_prekey_rotates_and_the_digest_agrees() {
    let server = server().await;
    let (ana, of_ana) = paired(&server, ANA, "Ana").await;
    let (bia, _) = paired(&server, BIA, "Bia").await;
    ana.client.rotate_signed_pre_key().await.expect("rotate");
    let rotated = server
        .seen(Some(ANA), Some("signed-prekey-rotated"), 0)
        .await
        .items;
    assert_eq!(rotated.len(), 1);
    let device: Jid = of_ana.jid.parse().expect("JID");
    let user = bundles(&bia, &[device]).await.remove(0);
    let skey = user.get_optional_child_by_tag(&["skey", "id"]).expect("id");
    let id = rotated[0].details["id"].as_u64().expect("id");
    assert_eq!(
        skey.as_node_ref().content_bytes().expect("bytes"),
        &id.to_be_bytes()[5..]
    );
    bia.send(ANA, "with the new key").await;
    ana.texts(1, |text| text == "with the new key").await;
    // The digest covers what the server holds now.
    let digest = NodeBuilder::new("digest").build();
    let answer = ask(&ana, "encrypt", false, vec![digest]).await;
    let answer = answer.expect("digest");
    let digest = answer
        .get_optional_child_by_tag(&["digest"])
        .expect("digest");
    let ids = digest.get_optional_child_by_tag(&["list"]).expect("list");
    assert_eq!(ids.children().map_or(0, <[_]>::len), left(&ana).await);
    ana.client.validate_digest_key().await.expect("digest");
    server.ask_for_digest(ANA).await.expect("ask");
    settled(&server).await;
    ana.stop().await;
    bia.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_keys_are_refused() {
    let server = server().await;
    server.expects_violations(["prekeys-of-another-identity", "signed-prekey-forged"]);
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let keys = [(900_000, [1; 32].as_slice())];
    let foreign =
        PreKeyUtils::build_upload_prekeys_request(7, &[3; 32], 1, &[4; 32], &[5; 64], keys);
    let refused = ask(&ana, "encrypt", true, foreign.to_vec()).await;
    assert_eq!(refused.expect_err("foreign"), 406);
    let device = ana.client.persistence_manager().get_device_snapshot();
    let identity: [u8; 32] = device
        .identity_key
        .public_key
        .public_key_bytes()
        .try_into()
        .expect("32 bytes");
    let keys = [(900_000, [1; 32].as_slice())];
    let forged = PreKeyUtils::build_upload_prekeys_request(
        device.registration_id,
        &identity,
        9,
        &[4; 32],
        &[5; 64],
        keys,
    );
    let refused = ask(&ana, "encrypt", true, forged.to_vec()).await;
    assert_eq!(refused.expect_err("forged"), 406);
    ana.stop().await;
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_installed_anew_has_a_new_identity() {
    let server = server().await;
    contact(&server, CAIO, "Caio").await;
    let (ana, _) = paired(&server, ANA, "Ana").await;
    let (caio, _) = paired(&server, CAIO, "Caio").await;
    ana.send(CAIO, "before").await;
    caio.texts(1, |text| text == "before").await;
    server
        .send_from_phone(CAIO, ANA, "hello", None)
        .await
        .expect("send");
    ana.texts(1, |text| text == "hello").await;
    assert_eq!(server.reregister(CAIO).await.expect("anew"), 1);
    caio.wait_for("LoggedOut", |event| {
        matches!(event, Event::LoggedOut(_)).then_some(())
    })
    .await;
    let changed = ana
        .wait_for("a new identity", |event| match event {
            Event::IdentityChange(change) if !change.implicit => Some(change.user.clone()),
            _ => None,
        })
        .await;
    assert_eq!(changed.user, CAIO);
    ana.send(CAIO, "after").await;
    eventually("the new phone reads it", || async {
        let inbox = server.inbox(CAIO).await.expect("inbox");
        inbox.iter().any(|item| item.id.len() > 1 && !item.from_me) && inbox.len() >= 3
    })
    .await;
    server
        .send_from_phone(CAIO, ANA, "it is me", None)
        .await
        .expect("send");
    ana.texts(1, |text| text == "it is me").await;
    settled(&server).await;
    ana.stop().await;
    caio.stop().await;
    server.shutdown().await;
}
