//! An instance of Meta's Cloud API, from its creation to its webhooks.

use std::collections::HashSet;
use std::time::Duration;

use fake_graph::{FakeGraph, Number, webhook};
use pombal_scenarios::{Api, Hook, PATIENCE, Pombal, PombalOptions, World, eventually};
use serde_json::{Value, json};

const APP_SECRET: &str = "secret-of-the-meta-app";
const VERIFY_TOKEN: &str = "verify-token-of-the-scenario";
const TO: &str = "5511999990001";

fn number() -> Number {
    Number {
        id: "106540352242922".into(),
        account: "102290129340398".into(),
        token: "EAAG-token-of-the-shop".into(),
    }
}

async fn world(graph: &FakeGraph) -> World {
    World::embedded(|options: PombalOptions| {
        options
            .env("WA_BUSINESS_URL", &graph.url)
            .env("META_APP_SECRET", APP_SECRET)
            .env("WA_BUSINESS_TOKEN_WEBHOOK", VERIFY_TOKEN)
    })
    .await
}

/// Posts a webhook as Meta does; the status of the answer.
async fn meta(pombal: &Pombal, webhook: &Value) -> u16 {
    let body = webhook.to_string();
    let request = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .post(format!("{}/webhook/meta", pombal.url))
        .header("x-hub-signature-256", webhook::signature(APP_SECRET, &body))
        .header("content-type", "application/json")
        .body(body);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_writes_and_is_written_to() {
    let graph = FakeGraph::start().await;
    graph.add_number(number());
    let mut world = world(&graph).await;
    let number = number();
    let made = world
        .api()
        .post(
            "/instance/create",
            json!({
                "instanceName": "shop",
                "integration": "WHATSAPP-BUSINESS",
                "token": number.token,
                "number": number.id,
                "businessId": number.account,
                "webhook": {
                    "enabled": true, "url": world.hooks.url("shop"), "events": [], "base64": true,
                },
            }),
        )
        .await
        .ok();
    assert_eq!(made["instance"]["status"], "open");
    let challenge = format!(
        "/webhook/meta?hub.mode=subscribe&hub.challenge=42&hub.verify_token={VERIFY_TOKEN}"
    );
    assert_eq!(world.api().get(&challenge).await.ok(), json!(42));

    let shop = Api::with_key(&world.url(), &number.token);
    let sent = shop
        .post(
            "/message/sendText/shop",
            json!({ "number": TO, "text": "oi" }),
        )
        .await;
    assert_eq!(sent.status, 201, "{}", sent.body);
    assert_eq!(graph.sent(&number.id)[0]["text"]["body"], "oi");

    let medium = graph.keep(&number.id, "image/png", &b"pixels"[..]);
    let image = webhook::message(TO, "wamid.2", "image", json!({ "id": medium }));
    let messages = [webhook::text(TO, "wamid.1", "olá"), image];
    let told = webhook::of(&number, webhook::messages(&number, &messages));
    assert_eq!(meta(world.pombal(), &told).await, 200);

    // Killed and repeated: nothing comes twice, and nothing out of order.
    world.kill();
    world.boot();
    assert_eq!(meta(world.pombal(), &told).await, 200);
    let status = webhook::status("wamid.9", TO, "read");
    let later = webhook::of(&number, webhook::statuses(&number, &[status]));
    assert_eq!(meta(world.pombal(), &later).await, 200);
    eventually("the status arrives", PATIENCE, async || {
        (!world.hooks.of("shop", "messages.update").is_empty()).then_some(())
    })
    .await;
    // What was posted right before the kill may be posted again, under its id. What is told of
    // the instance itself has no place among these.
    let mut hooks = world.hooks.hooks("shop");
    let mut ids = HashSet::new();
    hooks.retain(|hook| {
        ids.insert(hook.body["id"].to_string()) && !hook.event().starts_with("instance.")
    });
    let seqs: Vec<_> = hooks.iter().map(|hook| &hook.body["seq"]).collect();
    let events: Vec<_> = hooks.iter().map(Hook::event).collect();
    assert_eq!(
        events,
        [
            "send.message",
            "contacts.upsert",
            "messages.upsert",
            "messages.upsert",
            "messages.update",
        ]
    );
    assert_eq!(seqs, [1, 2, 3, 4, 5]);
    assert_eq!(hooks[2].body["data"]["message"]["conversation"], "olá");
    let message = &hooks[3].body["data"]["message"];
    assert_eq!(message["base64"], "cGl4ZWxz");
    let url = message["mediaUrl"].as_str().unwrap();
    // The address that the process had then; the link is the same on the new one.
    let (_, path) = url.split_once("/media/").unwrap();
    let link = format!("{}/media/{path}", world.url());
    let answer = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap()
        .get(link)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.bytes().await.unwrap(), &b"pixels"[..]);
}
