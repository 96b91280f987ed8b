//! The operator's webhook, which hears of every instance.

use std::collections::BTreeSet;

use pombal_scenarios::{Hook, HookServer, PATIENCE, Pombal, PombalOptions, World, eventually};
use serde_json::{Value, json};

const PHONES: [&str; 2] = ["5511999990091", "5511999990092"];
const EVENTS: [&str; 4] = [
    "INSTANCE_CREATE",
    "INSTANCE_DELETE",
    "CONNECTION_UPDATE",
    "MESSAGES_UPSERT",
];

/// What the operator was told of an event of an instance.
fn told(operator: &HookServer, instance: &str, event: &str) -> Vec<Hook> {
    let mut hooks = operator.hooks("all");
    hooks.retain(|hook| hook.event() == event && hook.body["instance"] == instance);
    hooks
}

async fn until(
    operator: &HookServer,
    instance: &str,
    event: &str,
    is_it: impl Fn(&Value) -> bool,
) -> Value {
    let what = format!("the operator hears {event} of {instance}");
    eventually(&what, PATIENCE, async || {
        let hooks = told(operator, instance, event).into_iter();
        hooks.map(|hook| hook.body).find(|body| is_it(body))
    })
    .await
}

fn with_events(options: PombalOptions, url: &str) -> PombalOptions {
    let options = options
        .env("WEBHOOK_GLOBAL_ENABLED", "true")
        .env("WEBHOOK_GLOBAL_URL", url);
    EVENTS.iter().fold(options, |options, event| {
        options.env(&format!("WEBHOOK_EVENTS_{event}"), "true")
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_hears_of_every_instance_also_after_a_kill() {
    let operator = HookServer::start().await;
    let url = operator.url("all");
    let mut world = World::embedded(|options| with_events(options, &url)).await;
    let a = world.open("a", PHONES[0]).await;
    // The other one has no webhook of its own.
    let body = json!({ "instanceName": "b", "integration": "WHATSAPP-BAILEYS" });
    world.api().post("/instance/create", body).await.ok();
    world.scan("b", PHONES[1]).await;
    for (instance, destination) in [
        ("a", world.hooks.url("a")),
        ("b", format!("{url}/instance-create")),
    ] {
        let created = until(&operator, instance, "instance.create", |_| true).await;
        assert_eq!(created["destination"], destination);
        let is_open = |body: &Value| body["data"]["state"] == "open";
        until(&operator, instance, "connection.update", is_open).await;
    }

    operator.fail("all", true);
    let (to_a, to_b) = (PHONES[0], PHONES[1]);
    let phone = &world.whatsapp;
    let first = phone
        .send_from_phone(to_b, to_a, "to a", None)
        .await
        .unwrap();
    let second = phone
        .send_from_phone(to_a, to_b, "to b", None)
        .await
        .unwrap();
    let is = |id: &str| {
        let id = id.to_owned();
        move |body: &Value| body["data"]["key"]["id"] == id.as_str()
    };
    // Whoever is down, the instance's own webhook is told.
    let own = eventually(
        "the message reaches the own webhook",
        PATIENCE,
        async || {
            let bodies = world.hooks.of("a", "messages.upsert").into_iter();
            bodies.into_iter().find(is(&first))
        },
    )
    .await;
    eventually("the operator refuses what is told", PATIENCE, async || {
        (operator.refused("all") >= 2).then_some(())
    })
    .await;
    world.kill();
    operator.fail("all", false);
    world.boot();
    let late = until(&operator, "a", "messages.upsert", is(&first)).await;
    assert_eq!((&late["id"], &late["seq"]), (&own["id"], &own["seq"]));
    until(&operator, "b", "messages.upsert", is(&second)).await;

    world.api().delete("/instance/delete/b").await.ok();
    let gone = until(&operator, "b", "instance.delete", |_| true).await;
    assert_eq!(gone["destination"], format!("{url}/instance-delete"));
    world.wait_for_state("a", "open").await;
    let names: BTreeSet<String> = operator
        .hooks("all")
        .iter()
        .map(|hook| hook.event().to_owned())
        .collect();
    let wanted = EVENTS.map(|event| event.to_lowercase().replace('_', "."));
    assert_eq!(names, BTreeSet::from(wanted));
    assert!(!world.hooks.of(&a.name, "qrcode.updated").is_empty());
    world.assert_no_violations().await;
}

#[test]
fn what_contradicts_itself_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let on = ("WEBHOOK_GLOBAL_ENABLED", "true");
    let url = ("WEBHOOK_GLOBAL_URL", "https://hook.test/");
    for (environment, named) in [
        (vec![("WEBHOOK_GLOBAL_ENABLED", "1")], on.0),
        (vec![("WEBHOOK_EVENTS_CALL", "yes")], "WEBHOOK_EVENTS_CALL"),
        (vec![on, ("WEBHOOK_EVENTS_CALL", "true")], url.0),
        (
            vec![on, (url.0, "hook.test"), ("WEBHOOK_EVENTS_CALL", "true")],
            url.0,
        ),
        (vec![on, url], on.0),
        (
            vec![on, url, ("WEBHOOK_GLOBAL_EVENTS", "NOPE")],
            "WEBHOOK_GLOBAL_EVENTS",
        ),
    ] {
        let options = PombalOptions::demo("ws://127.0.0.1:9/ws/chat".to_owned());
        let options = environment
            .iter()
            .fold(options, |options, (name, value)| options.env(name, value));
        let message = Pombal::refuses(&dir.path().join("data"), &options);
        assert!(message.contains(&format!("{named}: ")), "{message}");
    }
}
