//! Webhooks of Meta's become events.

use fake_graph::webhook::{self, message, status, text};
use pombal_domain::InstanceId;
use serde_json::{Value, json};

use super::rig::{APP_SECRET, Rig, seqs};

#[tokio::test]
async fn a_text_is_an_event_and_so_is_its_sender() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let change = webhook::messages(&number, &[text("5511999990001", "wamid.1", "olá")]);
    rig.told(&webhook::of(&number, change)).await;
    let events = rig.events().await;
    let row = rig.app.stores.row("a").await;
    let names: Vec<_> = events.iter().map(|event| event.event.dotted()).collect();
    assert_eq!(names, ["contacts.upsert", "messages.upsert"]);
    assert_eq!(seqs(&events), [1, 2]);
    assert_eq!(
        events[0].data,
        json!({
            "remoteJid": "5511999990001@s.whatsapp.net",
            "pushName": "Name of 5511999990001",
            "profilePicUrl": null,
            "instanceId": row.id,
        })
    );
    assert_eq!(
        events[1].data,
        json!({
            "key": {
                "remoteJid": "5511999990001@s.whatsapp.net", "fromMe": false, "id": "wamid.1",
            },
            "pushName": "Name of 5511999990001",
            "message": { "conversation": "olá" },
            "messageType": "conversation",
            "messageTimestamp": 1_795_182_896,
            "instanceId": row.id,
            "source": "unknown",
        })
    );
    assert_eq!(events[1].sender, None);
}

#[tokio::test]
async fn every_message_of_every_change_of_every_entry_comes_in_order() {
    let rig = Rig::start().await;
    let a = rig.instance("a", "111").await;
    let b = rig.instance("b", "222").await;
    let of = |id: &str| text("5511999990001", id, id);
    let webhook = webhook::of_entries(&[
        (
            &a.account,
            vec![
                webhook::messages(&a, &[of("wamid.1"), of("wamid.2")]),
                webhook::statuses(&a, &[status("wamid.x", "5511999990002", "sent")]),
                webhook::messages(&b, &[of("wamid.b")]),
            ],
        ),
        (&a.account, vec![webhook::messages(&a, &[of("wamid.3")])]),
    ]);
    rig.told(&webhook).await;
    let events = rig.events().await;
    let id = |name: &'static str| rig.app.stores.row(name);
    let of_instance = |id: InstanceId| {
        let own = events.iter().filter(move |event| event.instance == id);
        own.filter(|event| event.event.dotted() != "contacts.upsert")
            .map(|event| {
                let key = event.data["key"]["id"].as_str();
                key.or(event.data["keyId"].as_str()).unwrap().to_owned()
            })
            .collect::<Vec<_>>()
    };
    let wanted = ["wamid.1", "wamid.2", "wamid.x", "wamid.3"];
    assert_eq!(of_instance(id("a").await.id), wanted);
    assert_eq!(of_instance(id("b").await.id), ["wamid.b"]);
}

#[tokio::test]
async fn a_webhook_that_comes_again_is_known() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let first = webhook::messages(&number, &[text("5511999990001", "wamid.1", "x")]);
    rig.told(&webhook::of(&number, first.clone())).await;
    rig.told(&webhook::of(&number, first)).await;
    // Meta batches as it likes: the old one comes along with a new one, and twice.
    let messages = ["wamid.1", "wamid.2", "wamid.2"].map(|id| text("5511999990001", id, "x"));
    rig.told(&webhook::of(&number, webhook::messages(&number, &messages)))
        .await;
    let events = rig.events().await;
    assert_eq!(seqs(&events), [1, 2, 3]);
    let ids: Vec<_> = events[1..]
        .iter()
        .map(|event| &event.data["key"]["id"])
        .collect();
    assert_eq!(ids, ["wamid.1", "wamid.2"]);
}

#[tokio::test]
async fn a_message_is_of_its_own_sender_however_many_write_at_once() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let messages: Vec<Value> = (0..20)
        .map(|n| text(&format!("55119999900{n:02}"), &format!("wamid.{n}"), "x"))
        .collect();
    rig.told(&webhook::of(&number, webhook::messages(&number, &messages)))
        .await;
    let told = rig.of("messages.upsert").await;
    assert_eq!(told.len(), 20);
    for (n, data) in told.iter().enumerate() {
        let person = format!("55119999900{n:02}");
        assert_eq!(data["key"]["id"], format!("wamid.{n}"));
        assert_eq!(data["key"]["remoteJid"], format!("{person}@s.whatsapp.net"));
        assert_eq!(data["pushName"], webhook::name_of(&person));
    }
}

#[tokio::test]
async fn statuses_tell_how_far_a_message_got() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let row = rig.app.stores.row("a").await;
    let to = "5511999990001";
    let mut failed = status("wamid.2", to, "failed");
    failed["errors"] = json!([{ "code": 131_026, "title": "Message undeliverable" }]);
    let mut statuses: Vec<Value> = ["sent", "delivered", "read"]
        .map(|reached| status("wamid.1", to, reached))
        .into();
    statuses.push(failed);
    let change = webhook::statuses(&number, &statuses);
    rig.told(&webhook::of(&number, change)).await;
    let told = rig.of("messages.update").await;
    let reached: Vec<_> = told.iter().map(|data| &data["status"]).collect();
    assert_eq!(reached, ["SENT", "DELIVERED", "READ", "FAILED"]);
    assert_eq!(
        told[0],
        json!({
            "keyId": "wamid.1",
            "remoteJid": "5511999990001@s.whatsapp.net",
            "fromMe": false,
            "participant": "5511999990001@s.whatsapp.net",
            "status": "SENT",
            "instanceId": row.id,
        })
    );
    assert_eq!(told[3]["errors"][0]["code"], 131_026);
}

#[tokio::test]
async fn every_kind_of_message_is_told() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let from = "5511999990001";
    let kinds = [
        (
            "location",
            json!({ "latitude": -23.5, "longitude": -46.6, "name": "Sé" }),
            "locationMessage",
        ),
        (
            "reaction",
            json!({ "message_id": "wamid.0", "emoji": "👍" }),
            "reactionMessage",
        ),
        (
            "interactive",
            json!({ "type": "list_reply", "list_reply": { "id": "r1", "title": "Um" } }),
            "interactiveMessage",
        ),
        (
            "button",
            json!({ "text": "Sim", "payload": "yes" }),
            "buttonMessage",
        ),
        (
            "contacts",
            json!([{ "name": { "formatted_name": "Ana" } }, { "name": { "first_name": "Bia" } }]),
            "contactsArrayMessage",
        ),
        (
            "order",
            json!({ "catalog_id": "1", "product_items": [] }),
            "orderMessage",
        ),
        (
            "system",
            json!({ "type": "user_changed_number", "body": "new" }),
            "systemMessage",
        ),
        ("unsupported", json!({}), "unsupportedMessage"),
        ("hologram", json!({ "depth": 3 }), "hologramMessage"),
    ];
    let messages: Vec<Value> = kinds
        .iter()
        .enumerate()
        .map(|(n, (kind, content, _))| message(from, &format!("wamid.{n}"), kind, content.clone()))
        .collect();
    rig.told(&webhook::of(&number, webhook::messages(&number, &messages)))
        .await;
    let told = rig.of("messages.upsert").await;
    let types: Vec<_> = told
        .iter()
        .map(|data| data["messageType"].as_str().unwrap())
        .collect();
    assert_eq!(types, kinds.map(|(_, _, shown)| shown));
    let place = &told[0]["message"]["locationMessage"];
    assert_eq!(place["degreesLatitude"], json!(-23.5));
    assert_eq!(
        told[1]["message"]["reactionMessage"],
        json!({ "key": { "id": "wamid.0" }, "text": "👍" })
    );
    assert_eq!(told[2]["message"]["conversation"], "Um");
    assert_eq!(told[3]["message"]["conversation"], "Sim");
    let people = &told[4]["message"]["contactsArrayMessage"]["contacts"];
    assert_eq!(people[1]["displayName"], "Bia");
    assert_eq!(told[8]["message"]["hologramMessage"]["depth"], 3);
}

#[tokio::test]
async fn what_is_written_on_the_phone_beside_is_our_own() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let mut echo = text("15550001111", "wamid.1", "from the phone");
    echo["to"] = json!("5511999990001");
    let mut change = webhook::messages(&number, &[]);
    change["field"] = json!("smb_message_echoes");
    change["value"]["message_echoes"] = json!([echo]);
    rig.told(&webhook::of(&number, change)).await;
    let told = rig.of("messages.upsert").await;
    assert_eq!(
        told[0]["key"],
        json!({
            "remoteJid": "5511999990001@s.whatsapp.net", "fromMe": true, "id": "wamid.1",
        })
    );
}

#[tokio::test]
async fn what_makes_no_sense_is_taken_and_forgotten() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    for nonsense in [
        json!(null),
        json!([]),
        json!({ "entry": 7 }),
        json!({ "entry": [{ "changes": [{ "field": "messages", "value": [] }] }] }),
        webhook::of(&number, json!({ "field": "messages" })),
        webhook::of(&number, json!({ "field": "account_update", "value": {} })),
        webhook::of(
            &number,
            webhook::messages(&number, &[json!({ "id": 5 }), json!("x")]),
        ),
        webhook::of(
            &number,
            webhook::statuses(&number, &[json!({ "status": "sent" })]),
        ),
    ] {
        rig.told(&nonsense).await;
    }
    assert_eq!(rig.events().await, []);
}

/// A name that was cut off in an emoji, as no JSON of ours could have it.
#[tokio::test]
async fn half_a_character_costs_no_webhook() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let change = webhook::messages(&number, &[text("5511999990001", "wamid.1", "HALF")]);
    let body = webhook::of(&number, change).to_string();
    let body = body.replace("HALF", "Oi \\ud83d");
    let signature = webhook::signature(APP_SECRET, &body);
    let call = rig.app.post("/webhook/meta");
    let call = call.header("x-hub-signature-256", &signature);
    let answer = call.body(body).send().await;
    answer.assert_ok(200, &json!({ "status": "success" }));
    let told = rig.of("messages.upsert").await;
    assert_eq!(told[0]["message"]["conversation"], "Oi \u{fffd}");
}
