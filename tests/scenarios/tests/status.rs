//! Status updates of contacts: told and marked as seen when asked to, else ignored.

use pombal_scenarios::{PATIENCE, World, eventually};
use serde_json::{Value, json};

const OWNER: &str = "5511999990071";
const FRIEND: &str = "5511988880071";
const STATUS: &str = "status@broadcast";

async fn open(name: &str) -> World {
    let world = World::start().await;
    world.open(name, OWNER).await;
    let added = world.whatsapp.add_contact(FRIEND, "Friend", false).await;
    added.unwrap();
    world
}

/// The friend posts a status update. Returns its id.
async fn post(world: &World, text: &str) -> String {
    let posted = world.whatsapp.post_status(FRIEND, &[OWNER], text).await;
    posted.unwrap()
}

/// The status update of this id as the webhook got it.
fn told(world: &World, name: &str, id: &str) -> Option<Value> {
    let upserts = world.hooks.of(name, "messages.upsert");
    let mut messages = upserts.into_iter().map(|body| body["data"].clone());
    messages.find(|data| data["key"]["id"] == id)
}

/// The friend writes to the owner, and the webhook gets it: so it has got what came before.
async fn until_later(world: &World, name: &str) {
    let sent = world
        .whatsapp
        .send_from_phone(FRIEND, OWNER, "marker", None);
    let id = sent.await.unwrap();
    eventually("a later message arrives", PATIENCE, async || {
        told(world, name, &id).map(|_| ())
    })
    .await;
    eventually("the device has taken everything", PATIENCE, async || {
        let devices = world.whatsapp.devices().await;
        devices.iter().all(|it| it.queued == 0).then_some(())
    })
    .await;
}

/// The updates that the friend's phone shows as seen by the owner.
async fn seen_by_owner(world: &World) -> Vec<String> {
    let notices = world.whatsapp.notices(FRIEND).await.unwrap();
    let read = notices
        .into_iter()
        .filter(|it| it.kind == "receipt" && it.state == "read" && it.from == OWNER);
    read.flat_map(|it| it.ids).collect()
}

async fn set(world: &World, name: &str, changes: Value) {
    let find = format!("/settings/find/{name}");
    let mut settings = world.api().get(&find).await.ok();
    let all = settings.as_object_mut().unwrap();
    all.extend(changes.as_object().unwrap().clone());
    let path = format!("/settings/set/{name}");
    let answer = world.api().post(&path, settings).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn status_updates_are_ignored_unless_asked_for() {
    let world = open("calm").await;
    // Reading messages is not reading status updates.
    set(&world, "calm", json!({ "readMessages": true })).await;
    let mut ids = Vec::new();
    eventually("messages are read by now", PATIENCE, async || {
        ids.push(post(&world, "at the beach").await);
        until_later(&world, "calm").await;
        (!seen_by_owner(&world).await.is_empty()).then_some(())
    })
    .await;
    let seen = seen_by_owner(&world).await;
    for id in &ids {
        assert_eq!(told(&world, "calm", id), None);
        assert!(!seen.contains(id), "marked as seen");
    }
    world.assert_no_violations().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_updates_are_told_and_marked_as_seen_when_asked_to() {
    let world = open("curious").await;
    let before = post(&world, "before").await;
    until_later(&world, "curious").await;
    // Groups are none of its business.
    set(
        &world,
        "curious",
        json!({ "readStatus": true, "groupsIgnore": true }),
    )
    .await;
    // The nudge takes its time: updates from some point on are seen.
    let id = eventually("its author sees who has seen it", PATIENCE, async || {
        let id = post(&world, "at the beach").await;
        until_later(&world, "curious").await;
        seen_by_owner(&world).await.contains(&id).then_some(id)
    })
    .await;
    let data = told(&world, "curious", &id).unwrap();
    let author = format!("{FRIEND}@s.whatsapp.net");
    assert_eq!(data["key"]["remoteJid"], STATUS);
    assert_eq!(data["key"]["participant"], author);
    assert_eq!(data["key"]["fromMe"], false);
    assert_eq!(data["pushName"], "Friend");
    assert_eq!(data["messageType"], "conversation");
    assert_eq!(data["message"], json!({ "conversation": "at the beach" }));
    assert_eq!(data["status"], "DELIVERY_ACK");
    let seen = seen_by_owner(&world).await;
    assert!(!seen.contains(&before), "what came before is not seen");
    assert_eq!(told(&world, "curious", &before), None);
    world.assert_no_violations().await;
}
