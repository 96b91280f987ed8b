//! An account with a past: old chats, and settings that were changed before.

use std::collections::BTreeSet;

use fake_whatsapp::{Change, FakeWhatsApp};
use pombal_scenarios::{PATIENCE, World, eventually};
use serde_json::{Value, json};

const PHONE: &str = "5511999990001";

async fn count(whatsapp: &FakeWhatsApp, kind: &str, field: &str, value: &str) -> usize {
    let seen = whatsapp.seen(Some(PHONE), Some(kind), 0).await.items;
    seen.iter()
        .filter(|item| item.details[field] == value)
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_pairs_with_an_account_that_has_history_and_settings() {
    let world = World::start().await;
    world.whatsapp.seed_history(PHONE, 5, 50).await.unwrap();
    for n in 0..10 {
        let change = Change::Pin {
            chat: (5_521_900_000_001_u64 + n).to_string(),
            on: true,
        };
        world
            .whatsapp
            .change_on_phone(PHONE, &change)
            .await
            .unwrap();
    }
    world.open("a", PHONE).await;
    // So many settings come as a snapshot, which is a file on the media host: the instance
    // fetched it over HTTPS.
    eventually("the snapshot is downloaded", PATIENCE, async || {
        let files = count(&world.whatsapp, "media-download", "media", "md-app-state").await;
        (files == 1).then_some(())
    })
    .await;
    eventually("history is acknowledged", PATIENCE, async || {
        let receipts = count(&world.whatsapp, "receipt", "type", "hist_sync").await;
        (receipts == 3).then_some(())
    })
    .await;
    let refused = world.whatsapp.seen(None, Some("media-refused"), 0).await;
    assert!(refused.items.is_empty(), "{refused:?}");
    let unhandled = world.whatsapp.seen(None, Some("iq-unhandled"), 0).await;
    assert!(unhandled.items.is_empty(), "{unhandled:?}");
    world.assert_no_violations().await;
}

/// The elements of all events of this kind that were told of `a`.
fn told(world: &World, event: &str) -> Vec<Value> {
    let hooks = world.hooks.of("a", event).into_iter();
    hooks
        .flat_map(|body| body["data"].as_array().unwrap().clone())
        .collect()
}

/// Waits until `count` old messages were told, and returns their ids.
async fn until_told(world: &World, count: usize) -> BTreeSet<String> {
    eventually("the history is told", PATIENCE, async || {
        let messages = told(world, "messages.set").into_iter();
        let ids: BTreeSet<_> = messages
            .map(|it| it["key"]["id"].as_str().unwrap().to_owned())
            .collect();
        (ids.len() == count).then_some(ids)
    })
    .await
}

/// Whether the phone was asked for its whole history.
async fn full_was_sent(world: &World) -> bool {
    let sent = world.whatsapp.seen(Some(PHONE), Some("history"), 0).await;
    sent.items.iter().any(|item| item.details["full"] == true)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_phone_gives_a_new_companion_is_told() {
    let world = World::start().await;
    world.whatsapp.seed_history(PHONE, 5, 50).await.unwrap();
    world.open("a", PHONE).await;
    until_told(&world, 250).await;
    assert_eq!(told(&world, "messages.set").len(), 250, "each once");
    assert!(!full_was_sent(&world).await);
    let message = &told(&world, "messages.set")[0];
    assert_eq!(message["messageType"], "conversation");
    assert!(
        message["message"]["conversation"]
            .as_str()
            .unwrap()
            .starts_with("old ")
    );
    assert!(message["messageTimestamp"].is_u64());
    let chats = told(&world, "chats.set");
    let chats: BTreeSet<_> = chats
        .iter()
        .map(|it| it["remoteJid"].as_str().unwrap())
        .collect();
    assert_eq!(chats.len(), 5);
    eventually("contacts are told", PATIENCE, async || {
        let contacts = told(&world, "contacts.upsert");
        let friends = contacts.iter().map(|it| it["pushName"].clone());
        let friends: Vec<_> = friends.filter(|it| it != "").collect();
        friends.contains(&json!("Friend 5")).then_some(())
    })
    .await;
    // It is no new message.
    assert_eq!(world.hooks.of("a", "messages.upsert"), [] as [Value; 0]);
    world.assert_no_violations().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_history_is_asked_for_and_told_when_wanted() {
    let mut world = World::start().await;
    world.whatsapp.seed_history(PHONE, 4, 400).await.unwrap();
    let body = json!({
        "instanceName": "a", "integration": "WHATSAPP-BAILEYS", "syncFullHistory": true,
        "webhook": { "url": world.hooks.url("a"), "events": [] },
    });
    world.api().post("/instance/create", body).await.ok();
    world.scan("a", PHONE).await;
    until_told(&world, 1600).await;
    assert!(full_was_sent(&world).await);
    let largest = world.hooks.of("a", "messages.set").into_iter();
    let largest = largest.map(|body| body["data"].as_array().unwrap().len());
    assert!(largest.max().unwrap() <= 200, "in pieces");
    // It was told; a restart does not tell it again.
    world.kill();
    world.boot();
    world.wait_for_state("a", "open").await;
    assert_eq!(told(&world, "messages.set").len(), 1600, "each once");
}
