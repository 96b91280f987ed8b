//! The settings of an instance do what they say, at once.

use fake_whatsapp::{CallState, GroupPlan};
use pombal_scenarios::{Instance, PATIENCE, World, eventually};
use serde_json::{Value, json};

const OWNER: &str = "5511999990061";
const CUSTOMER: &str = "5511988880061";

async fn open(name: &str) -> (World, Instance) {
    let world = World::start().await;
    let instance = world.open(name, OWNER).await;
    let added = world
        .whatsapp
        .add_contact(CUSTOMER, "Customer", false)
        .await;
    added.unwrap();
    (world, instance)
}

/// The customer writes. Returns the message id.
async fn say(world: &World, to: &str, text: &str) -> String {
    let sent = world.whatsapp.send_from_phone(CUSTOMER, to, text, None);
    sent.await.unwrap()
}

async fn set(world: &World, name: &str, changes: Value) {
    let mut settings = world
        .api()
        .get(&format!("/settings/find/{name}"))
        .await
        .ok();
    let settings = settings.as_object_mut().unwrap();
    settings.extend(changes.as_object().unwrap().clone());
    let path = format!("/settings/set/{name}");
    let answer = world.api().post(&path, json!(settings)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
}

/// What the instance's device did, as WhatsApp saw it.
async fn seen(world: &World, kind: &str) -> Vec<Value> {
    let page = world.whatsapp.seen(Some(OWNER), Some(kind), 0).await;
    let details = page
        .items
        .into_iter()
        .map(|item| Value::Object(item.details));
    details.collect()
}

/// Waits until this is how the account appears.
async fn until_shown(world: &World, presence: &str) {
    let what = format!("the account is {presence}");
    eventually(&what, PATIENCE, async || {
        let shown = seen(world, "presence").await;
        (shown.last()?["type"] == presence).then_some(())
    })
    .await;
}

/// The message ids that came in at the instance.
fn received(world: &World, name: &str) -> Vec<String> {
    let upserts = world.hooks.of(name, "messages.upsert").into_iter();
    upserts
        .map(|body| body["data"]["key"]["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn until_received(world: &World, name: &str, id: &str) {
    eventually("the message arrives", PATIENCE, async || {
        received(world, name)
            .iter()
            .any(|got| got == id)
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_marked_as_read_when_asked_to() {
    let (world, instance) = open("reader").await;
    let unread = say(&world, &instance.phone, "before").await;
    until_received(&world, "reader", &unread).await;

    set(&world, "reader", json!({ "readMessages": true })).await;
    // The nudge takes its time: messages from some point on are read.
    let read = eventually("a later message is read", PATIENCE, async || {
        let id = say(&world, &instance.phone, "after").await;
        until_received(&world, "reader", &id).await;
        let receipts = seen(&world, "receipt").await;
        receipts
            .iter()
            .any(|it| it["type"] == "read" && it["ids"].as_array().unwrap().contains(&json!(id)))
            .then_some(receipts)
    })
    .await;
    let ids = read.iter().filter(|it| it["type"] == "read");
    let mut ids = ids.flat_map(|it| it["ids"].as_array().unwrap());
    assert!(
        !ids.any(|id| *id == unread),
        "what came before stays unread"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_own_device_reads_is_no_news_of_the_customer() {
    let (world, reader) = open("reader").await;
    let _watcher = world.open("watcher", OWNER).await;
    set(&world, "reader", json!({ "readMessages": true })).await;
    eventually("a message is read", PATIENCE, async || {
        let id = say(&world, &reader.phone, "hello").await;
        until_received(&world, "watcher", &id).await;
        let receipts = seen(&world, "receipt").await;
        receipts.iter().any(|it| it["type"] == "read").then_some(())
    })
    .await;
    eventually("both devices have heard of it", PATIENCE, async || {
        let devices = world.whatsapp.devices().await;
        devices.iter().all(|it| it.queued == 0).then_some(())
    })
    .await;
    let last = say(&world, &reader.phone, "and now?").await;
    until_received(&world, "watcher", &last).await;
    assert_eq!(
        world.hooks.of("watcher", "messages.update"),
        [] as [Value; 0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_appears_online_when_asked_to() {
    let (world, _) = open("online").await;
    // Otherwise the phone would get no notifications.
    until_shown(&world, "unavailable").await;
    set(&world, "online", json!({ "alwaysOnline": true })).await;
    until_shown(&world, "available").await;
    set(&world, "online", json!({ "alwaysOnline": false })).await;
    until_shown(&world, "unavailable").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_appears_as_it_is_told_to() {
    let (world, _) = open("shown").await;
    until_shown(&world, "unavailable").await;
    let set = async |presence: &str| {
        let body = json!({ "presence": presence });
        let answer = world
            .api()
            .post("/instance/setPresence/shown", body.clone())
            .await;
        assert_eq!((answer.status, answer.body), (201, body));
    };
    set("available").await;
    until_shown(&world, "available").await;
    let so_far = seen(&world, "presence").await.len();
    // Typing without a chat is shown to nobody.
    for presence in ["composing", "recording", "paused"] {
        set(presence).await;
    }
    set("unavailable").await;
    until_shown(&world, "unavailable").await;
    assert_eq!(seen(&world, "presence").await.len(), so_far + 1);
    assert_eq!(seen(&world, "chatstate").await, [] as [Value; 0]);

    world.api().delete("/instance/logout/shown").await.ok();
    world.wait_for_state("shown", "close").await;
    let body = json!({ "presence": "available" });
    let answer = world.api().post("/instance/setPresence/shown", body).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.body["response"]["message"],
        json!(["Connection Closed"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_ignored_when_asked_to() {
    let (world, instance) = open("loner").await;
    let plan = GroupPlan {
        creator: CUSTOMER.to_owned(),
        subject: "Everybody".to_owned(),
        members: vec![instance.phone.clone()],
        addressing: Default::default(),
    };
    let group = world.whatsapp.create_group(plan).await.unwrap();
    let group = group.group.unwrap().id;
    let first = say(&world, &group, "hello all").await;
    until_received(&world, "loner", &first).await;
    let upserts = world.hooks.of("loner", "messages.upsert");
    assert_eq!(upserts[0]["data"]["key"]["remoteJid"], group);
    assert_eq!(
        upserts[0]["data"]["key"]["participant"],
        format!("{CUSTOMER}@s.whatsapp.net")
    );

    set(&world, "loner", json!({ "groupsIgnore": true })).await;
    // From some point on a message to the group is followed by one to the instance alone, and
    // only the second arrives.
    eventually("groups are ignored", PATIENCE, async || {
        let to_all = say(&world, &group, "hello again").await;
        let to_one = say(&world, &instance.phone, "only you").await;
        until_received(&world, "loner", &to_one).await;
        (!received(&world, "loner").contains(&to_all)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_told_and_declined_with_a_text_when_asked_to() {
    let (world, instance) = open("busy").await;
    let first = world
        .whatsapp
        .call(CUSTOMER, &instance.phone, true)
        .await
        .unwrap();
    let told = eventually("the call is told", PATIENCE, async || {
        let calls = world.hooks.of("busy", "call");
        calls.into_iter().find(|body| body["data"]["id"] == first)
    })
    .await;
    let data = &told["data"];
    assert_eq!(data["from"], format!("{CUSTOMER}@s.whatsapp.net"));
    assert_eq!(
        (&data["status"], &data["isVideo"]),
        (&json!("offer"), &json!(true))
    );
    assert_eq!(
        (&data["isGroup"], &data["offline"]),
        (&json!(false), &json!(false))
    );

    set(
        &world,
        "busy",
        json!({ "rejectCall": true, "msgCall": "Please write" }),
    )
    .await;
    eventually("a call is declined", PATIENCE, async || {
        let call = world
            .whatsapp
            .call(CUSTOMER, &instance.phone, false)
            .await
            .unwrap();
        eventually("the call is told", PATIENCE, async || {
            let calls = world.hooks.of("busy", "call");
            calls
                .iter()
                .any(|body| body["data"]["id"] == call)
                .then_some(())
        })
        .await;
        world.whatsapp.end_call(&call, None).await.ok();
        let calls = world.whatsapp.calls().await;
        let rejected = calls.iter().any(|call| call.state == CallState::Rejected);
        rejected.then_some(())
    })
    .await;
    eventually("the caller gets the text", PATIENCE, async || {
        let inbox = world.whatsapp.inbox(CUSTOMER).await.unwrap();
        inbox
            .iter()
            .any(|item| item.text == "Please write")
            .then_some(())
    })
    .await;
    let sent = eventually("the text is told", PATIENCE, async || {
        world.hooks.of("busy", "send.message").into_iter().next()
    })
    .await;
    assert_eq!(sent["data"]["message"]["conversation"], "Please write");
}
