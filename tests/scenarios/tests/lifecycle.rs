//! What is told of an instance from its creation to its end.

use std::collections::HashSet;

use pombal_scenarios::{Instance, PATIENCE, World, eventually};
use serde_json::{Value, json};

const OWNER: &str = "5511999990081";

/// The events of `name` so far, and their data.
fn told(world: &World, name: &str) -> Vec<(String, Value)> {
    let hooks = world.hooks.hooks(name).into_iter();
    hooks
        .map(|hook| (hook.event().to_owned(), hook.body["data"].clone()))
        .collect()
}

async fn until_told(world: &World, name: &str, event: &str) -> Value {
    eventually(&format!("{event} of {name}"), PATIENCE, async || {
        world.hooks.of(name, event).into_iter().next()
    })
    .await
}

/// The `connection.update` that says that it is open.
async fn until_open(world: &World, name: &str) -> Value {
    eventually("the open connection is told", PATIENCE, async || {
        let told = world.hooks.of(name, "connection.update").into_iter();
        told.rev().find(|body| body["data"]["state"] == "open")
    })
    .await
}

/// Each event as it came first: a kill may come between an endpoint's answer and our knowing of it.
fn once(mut bodies: Vec<Value>) -> Vec<Value> {
    let mut known = HashSet::new();
    bodies.retain(|body| known.insert(body["id"].to_string()));
    bodies
}

/// Everything that was told of `name`, as it came.
fn bodies(world: &World, name: &str) -> Vec<Value> {
    let hooks = world.hooks.hooks(name).into_iter();
    hooks.map(|hook| hook.body).collect()
}

/// Every event once, each with a higher number than the one before.
fn assert_in_order(bodies: &[Value]) {
    let seqs: Vec<u64> = bodies
        .iter()
        .map(|body| body["seq"].as_u64().unwrap())
        .collect();
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "{seqs:?}");
}

fn itself(instance: &Instance) -> Value {
    json!({ "instanceName": instance.name, "instanceId": instance.id })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_life_is_told_from_creation_to_removal() {
    let world = World::start().await;
    let a = world.open("a", OWNER).await;
    let created = until_told(&world, "a", "instance.create").await;
    assert_eq!(
        (&created["data"], &created["seq"]),
        (&itself(&a), &json!(0))
    );
    let events = told(&world, "a");
    assert_eq!(events[0].0, "instance.create");
    assert_eq!(
        events[1].1,
        json!({ "instance": "a", "state": "connecting", "statusReason": 200 })
    );
    let open = until_open(&world, "a").await;
    assert_eq!(
        open["data"],
        json!({
            "instance": "a", "state": "open", "statusReason": 200,
            "wuid": format!("{OWNER}@s.whatsapp.net"),
            "profileName": "Owner of a", "profilePictureUrl": null,
        })
    );
    // The mirror for clients that read it flat.
    assert_eq!(
        (&open["state"], &open["statusReason"]),
        (&json!("open"), &json!(200))
    );
    assert_eq!(created.get("state"), None);

    world.api().delete("/instance/delete/a").await.ok();
    until_told(&world, "a", "remove.instance").await;
    let events = told(&world, "a");
    let last = &events[events.len() - 3..];
    let wanted = [
        ("logout.instance", Value::Null),
        ("instance.delete", itself(&a)),
        ("remove.instance", Value::Null),
    ];
    assert_eq!(last, wanted.map(|(event, data)| (event.to_owned(), data)));
    assert_in_order(&bodies(&world, "a"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_told_later_if_nobody_listens_and_waits_for_nobody() {
    let world = World::start().await;
    world.create("a").await;
    until_told(&world, "a", "instance.create").await;
    world.hooks.fail("a", true);
    world.api().delete("/instance/delete/a").await.ok();
    assert_eq!(
        world.api().get("/instance/connectionState/a").await.status,
        404
    );
    eventually("the farewell is tried", PATIENCE, async || {
        (world.hooks.refused("a") >= 2).then_some(())
    })
    .await;
    world.hooks.fail("a", false);
    until_told(&world, "a", "instance.delete").await;
    until_told(&world, "a", "remove.instance").await;
    assert_eq!(world.hooks.of("a", "logout.instance"), [] as [Value; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_by_the_phone_is_told_in_the_contracts_order() {
    let world = World::start().await;
    let a = world.open("a", OWNER).await;
    until_open(&world, "a").await;
    let is_told = |event: &str| event != "contacts.upsert" && !event.ends_with(".set");
    world.whatsapp.logout(&a.phone).await.unwrap();
    world.wait_for_state("a", "close").await;
    let events = eventually("the close is told", PATIENCE, async || {
        let mut events = told(&world, "a");
        events.retain(|(event, _)| is_told(event));
        let closed = |(_, data): &(String, Value)| data["state"] == "close";
        events.iter().any(closed).then_some(events)
    })
    .await;
    let events = &events[events.len() - 3..];
    let names: Vec<&str> = events.iter().map(|(event, _)| event.as_str()).collect();
    assert_eq!(
        names,
        ["status.instance", "logout.instance", "connection.update"]
    );
    let status = &events[0].1;
    assert_eq!(
        (
            &status["instance"],
            &status["status"],
            &status["disconnectionReasonCode"]
        ),
        (&json!("a"), &json!("closed"), &json!(401))
    );
    let object: Value =
        serde_json::from_str(status["disconnectionObject"].as_str().unwrap()).unwrap();
    assert_eq!(object["error"]["output"]["statusCode"], 401);
    assert!(status["disconnectionAt"].as_str().unwrap().ends_with('Z'));
    assert_eq!(events[1].1, Value::Null);
    assert_eq!(
        events[2].1,
        json!({ "instance": "a", "state": "close", "statusReason": 401 })
    );
    assert_in_order(&bodies(&world, "a"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_is_told_once_to_those_who_are_to_be_connected() {
    let mut world = World::start().await;
    let a = world.open("a", OWNER).await;
    world.create("idle").await;
    // The process that was there when it was created has not started for it.
    assert_eq!(world.hooks.of("a", "application.startup"), [] as [Value; 0]);
    for starts in 1..=2 {
        world.kill();
        world.boot();
        world.wait_for_state("a", "open").await;
        eventually("the start is told", PATIENCE, async || {
            let told = once(world.hooks.of("a", "application.startup"));
            (told.len() == starts).then_some(())
        })
        .await;
    }
    let started = once(world.hooks.of("a", "application.startup"));
    assert_eq!(started[0]["data"], itself(&a));
    assert!(started[0]["epoch"].as_u64() < started[1]["epoch"].as_u64());
    assert_eq!(
        world.hooks.of("idle", "application.startup"),
        [] as [Value; 0]
    );
    assert_in_order(&once(bodies(&world, "a")));
}
