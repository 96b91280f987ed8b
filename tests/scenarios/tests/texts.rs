//! Texts between two instances.

use std::collections::HashSet;

use pombal_scenarios::{PATIENCE, World, eventually};
use serde_json::{Value, json};

const TEXTS: usize = 200;

/// The texts that arrived at an instance's webhook, in order.
fn received(world: &World, name: &str) -> Vec<Value> {
    let upserts = world.hooks.of(name, "messages.upsert").into_iter();
    upserts
        .filter(|body| body["data"]["key"]["fromMe"] == false)
        .collect()
}

async fn send_all(world: &World, from: &str, to: &str) -> Vec<String> {
    let mut ids = Vec::with_capacity(TEXTS);
    for n in 0..TEXTS {
        let body = json!({ "number": to, "text": format!("{from} {n}") });
        let sent = world
            .api()
            .post(&format!("/message/sendText/{from}"), body)
            .await;
        assert_eq!(sent.status, 201, "{}", sent.body);
        assert_eq!(
            sent.body["key"]["remoteJid"],
            format!("{to}@s.whatsapp.net")
        );
        assert_eq!(sent.body["message"]["conversation"], format!("{from} {n}"));
        ids.push(sent.body["key"]["id"].as_str().unwrap().to_owned());
    }
    ids
}

async fn assert_all_arrived(world: &World, at: &str, from: &str, ids: &[String]) {
    let what = format!("{TEXTS} texts of {from} arrive at {at}");
    let bodies = eventually(&what, PATIENCE, async || {
        let bodies = received(world, at);
        (bodies.len() >= TEXTS).then_some(bodies)
    })
    .await;
    let texts: Vec<&str> = bodies
        .iter()
        .map(|body| body["data"]["message"]["conversation"].as_str().unwrap())
        .collect();
    let expected: Vec<String> = (0..TEXTS).map(|n| format!("{from} {n}")).collect();
    assert_eq!(texts, expected, "each text once and in order");
    let keys: Vec<&str> = bodies
        .iter()
        .map(|body| body["data"]["key"]["id"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ids);
    let events: HashSet<&str> = bodies
        .iter()
        .map(|body| body["id"].as_str().unwrap())
        .collect();
    assert_eq!(events.len(), TEXTS, "each event has its own id");
}

/// Every text that `name` sent was confirmed by the recipient's device.
async fn assert_all_confirmed(world: &World, name: &str, ids: &[String]) {
    let what = format!("delivery receipts for {name}");
    eventually(&what, PATIENCE, async || {
        let delivered: HashSet<String> = world
            .hooks
            .of(name, "messages.update")
            .iter()
            .filter(|body| body["data"]["status"] == "DELIVERY_ACK")
            .map(|body| body["data"]["keyId"].as_str().unwrap().to_owned())
            .collect();
        ids.iter().all(|id| delivered.contains(id)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_texts_each_way_arrive_once_and_in_order() {
    let world = World::start().await;
    let a = world.open("a", "5511999990011").await;
    let b = world.open("b", "5511999990012").await;
    let (sent_a, sent_b) = tokio::join!(
        send_all(&world, "a", &b.phone),
        send_all(&world, "b", &a.phone)
    );
    assert_all_arrived(&world, "b", "a", &sent_a).await;
    assert_all_arrived(&world, "a", "b", &sent_b).await;
    assert_all_confirmed(&world, "a", &sent_a).await;
    assert_all_confirmed(&world, "b", &sent_b).await;

    // With everything at rest, each stream is whole: no event lost, none doubled.
    for name in ["a", "b"] {
        eventually("every event has arrived", PATIENCE, async || {
            let seqs: Vec<u64> = world
                .hooks
                .hooks(name)
                .iter()
                .map(|hook| hook.body["seq"].as_u64().unwrap())
                .collect();
            (seqs == (0..seqs.len() as u64).collect::<Vec<_>>()).then_some(())
        })
        .await;
    }
    world.assert_no_violations().await;
}
