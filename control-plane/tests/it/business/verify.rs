//! Who may tell us something in Meta's name.

use axum::http::StatusCode;
use fake_graph::webhook;
use serde_json::json;

use super::rig::{APP_SECRET, Rig, VERIFY_TOKEN};
use crate::app::TestApp;

fn challenge(token: &str) -> String {
    format!("/webhook/meta?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}")
}

#[tokio::test]
async fn the_challenge_is_answered_to_who_knows_the_token() {
    let rig = Rig::start().await;
    let answer = rig.app.get(&challenge(VERIFY_TOKEN)).send().await;
    // The challenge is digits, so it reads as JSON too.
    answer.assert_ok(200, &json!(1_158_201_444));
    for wrong in ["evolution", "", "verify-token-of-the-test"] {
        let answer = rig.app.get(&challenge(wrong)).send().await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{wrong:?}");
    }
    let bare = rig.app.get("/webhook/meta").send().await;
    assert_eq!(bare.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn without_a_verify_token_nothing_is_verified() {
    let rig = Rig::start_with(|config| config.verify_token = None).await;
    for token in ["", VERIFY_TOKEN] {
        let answer = rig.app.get(&challenge(token)).send().await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{token:?}");
    }
}

#[tokio::test]
async fn what_meta_has_not_signed_is_refused() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let text = webhook::text("5511999990001", "wamid.1", "forged");
    let body = webhook::of(&number, webhook::messages(&number, &[text])).to_string();
    let good = webhook::signature(APP_SECRET, &body);
    let other_body = webhook::signature(APP_SECRET, "{}");
    let other_secret = webhook::signature("another-secret", &body);
    let no_prefix = good.trim_start_matches("sha256=").to_owned();
    for forged in ["", &other_body, &other_secret, &no_prefix, "sha256="] {
        let call = rig.app.post("/webhook/meta").body(body.clone());
        let call = if forged.is_empty() {
            call
        } else {
            call.header("x-hub-signature-256", forged)
        };
        call.send().await.assert_unauthorized();
    }
    assert_eq!(rig.events().await, []);
    let call = rig.app.post("/webhook/meta").body(body);
    let answer = call.header("x-hub-signature-256", &good).send().await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(rig.of("messages.upsert").await.len(), 1);
}

#[tokio::test]
async fn without_an_app_secret_webhooks_are_taken_unsigned() {
    let rig = Rig::start_with(|config| config.app_secret = None).await;
    let number = rig.instance("a", "111").await;
    let text = webhook::text("5511999990001", "wamid.1", "hi");
    let body = webhook::of(&number, webhook::messages(&number, &[text]));
    let answer = rig.app.post("/webhook/meta").json(&body).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(rig.of("messages.upsert").await.len(), 1);
}

#[tokio::test]
async fn a_webhook_reaches_no_linked_device_that_has_the_number() {
    let rig = Rig::start().await;
    let body = json!({
        "instanceName": "device", "integration": "WHATSAPP-BAILEYS", "number": "5511999990009",
    });
    let answer = rig.app.post("/instance/create").global().json(&body).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let before = rig.app.stores.row("device").await;
    let number = fake_graph::Number {
        id: "5511999990009".into(),
        account: "9".into(),
        token: "none".into(),
    };
    let text = webhook::text("5511999990001", "wamid.1", "hi");
    // 200: a repetition would change nothing.
    rig.told(&webhook::of(&number, webhook::messages(&number, &[text])))
        .await;
    assert_eq!(rig.events().await, []);
    assert_eq!(rig.app.stores.row("device").await, before);
    let commands = rig
        .app
        .commands
        .receive(10, std::time::Duration::ZERO)
        .await;
    assert_eq!(commands.unwrap(), []);
}

#[tokio::test]
async fn without_a_channel_there_is_no_webhook() {
    let app = TestApp::start().await;
    let answer = app.post("/webhook/meta").json(&json!({})).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}
