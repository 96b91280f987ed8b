//! Groups of Baileys and a simulated phone, by both ways of naming their members.

use fake_whatsapp::{Addressing, FakeWhatsApp, GroupOrder, GroupPlan, Options, Watched};
use pombal_scenarios::{Baileys, PATIENCE, World, eventually};
use serde_json::{Value, json};

const THEIRS: &str = "5511999990341";
const PHONE: &str = "5511999990349";
const OURS: &str = "5511999990342";
const PHONE_JID: &str = "5511999990349@s.whatsapp.net";
const TEXTS: usize = 10;

async fn paired() -> (Watched, Baileys) {
    let whatsapp = Watched::start(Options::default()).await.unwrap();
    whatsapp.add_contact(PHONE, "Phone", false).await.unwrap();
    let baileys = Baileys::pair(&whatsapp, THEIRS, "Theirs").await;
    (whatsapp, baileys)
}

/// Texts of the phone in the group reach Baileys, then texts of Baileys reach the phone: each
/// once and in order.
async fn exchange_texts(whatsapp: &FakeWhatsApp, baileys: &Baileys, group: &str) {
    let mut said = Vec::new();
    for n in 0..TEXTS {
        let text = format!("phone {n}");
        let id = whatsapp.send_from_phone(PHONE, group, &text, None).await;
        let id = id.unwrap();
        let message = baileys.message(&id).await;
        assert_eq!(message["key"]["remoteJid"], group, "{message}");
        said.push((id, text));
    }
    let mut heard = baileys.texts();
    heard.drain(..heard.len().saturating_sub(TEXTS));
    assert_eq!(heard, said);

    let mut sent = Vec::new();
    for n in 0..TEXTS {
        let text = format!("theirs {n}");
        let key = baileys.send(group, json!({ "text": text })).await;
        sent.push((key["id"].as_str().unwrap().to_owned(), text));
    }
    let inbox = whatsapp.inbox(PHONE).await.unwrap();
    let got: Vec<_> = inbox
        .into_iter()
        .filter(|item| item.chat == group && item.participant.as_deref() == Some(THEIRS))
        .map(|item| (item.id, item.text))
        .collect();
    assert_eq!(got, sent);
}

/// Waits until Baileys tells an event that has this in it.
async fn wait_for_event(baileys: &Baileys, name: &str, group: &str, part: &str) {
    baileys
        .event(name, |data| {
            let told = data.to_string();
            told.contains(group) && told.contains(part)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn baileys_makes_a_group_and_a_phone_takes_part() {
    let (whatsapp, baileys) = paired().await;
    let made = baileys
        .call("groupCreate", json!(["Pigeons", [PHONE_JID]]))
        .await;
    let group = made["id"].as_str().unwrap().to_owned();
    assert_eq!(made["subject"], "Pigeons", "{made}");
    assert_eq!(
        made["participants"].as_array().map(Vec::len),
        Some(2),
        "{made}"
    );
    exchange_texts(&whatsapp, &baileys, &group).await;

    let promote = json!([group, [PHONE_JID], "promote"]);
    let promoted = baileys.call("groupParticipantsUpdate", promote).await;
    assert_eq!(promoted[0]["status"], "200", "{promoted}");
    let subject = GroupOrder::Subject {
        text: "Doves".to_owned(),
    };
    whatsapp.change_group(PHONE, &group, subject).await.unwrap();
    wait_for_event(&baileys, "groups.update", &group, "Doves").await;
    baileys
        .call("groupUpdateDescription", json!([group, "White ones"]))
        .await;
    let now = baileys.call("groupMetadata", json!([group])).await;
    assert_eq!(now["subject"], "Doves", "{now}");
    assert_eq!(now["desc"], "White ones", "{now}");
    baileys.assert_understood(&whatsapp).await;
}

async fn takes_part(addressing: Addressing) {
    let (whatsapp, baileys) = paired().await;
    let plan = GroupPlan {
        creator: PHONE.to_owned(),
        subject: "Roof".to_owned(),
        members: vec![THEIRS.to_owned()],
        addressing,
    };
    let made = whatsapp.create_group(plan).await.unwrap();
    let group = made.group.unwrap().id;
    wait_for_event(&baileys, "groups.upsert", &group, "Roof").await;
    exchange_texts(&whatsapp, &baileys, &group).await;

    let known = baileys.call("groupFetchAllParticipating", json!([])).await;
    assert_eq!(known[&group]["subject"], "Roof", "{known}");
    let remove = GroupOrder::Remove {
        phones: vec![THEIRS.to_owned()],
    };
    whatsapp.change_group(PHONE, &group, remove).await.unwrap();
    wait_for_event(&baileys, "group-participants.update", &group, "remove").await;
    eventually("no group is left for Baileys", PATIENCE, async || {
        let known = baileys.call("groupFetchAllParticipating", json!([])).await;
        (known == Value::Object(serde_json::Map::new())).then_some(())
    })
    .await;
    baileys.assert_understood(&whatsapp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn baileys_takes_part_in_a_group_that_names_members_by_lid() {
    takes_part(Addressing::Lid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn baileys_takes_part_in_a_group_that_names_members_by_number() {
    takes_part(Addressing::Pn).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn baileys_and_one_of_ours_talk_in_a_group() {
    let world = World::start().await;
    world.open("ours", OURS).await;
    let baileys = Baileys::pair(&world.whatsapp, THEIRS, "Theirs").await;
    let members = json!(["Pigeons", [format!("{OURS}@s.whatsapp.net")]]);
    let made = baileys.call("groupCreate", members).await;
    let group = made["id"].as_str().unwrap();

    let key = baileys.send(group, json!({ "text": "to all" })).await;
    eventually("the group's text at our webhook", PATIENCE, async || {
        let upserts = world.hooks.of("ours", "messages.upsert").into_iter();
        let mut upserts = upserts.map(|mut body| body["data"].take());
        let data = upserts.find(|data| data["key"]["id"] == key["id"])?;
        assert_eq!(data["key"]["remoteJid"], group, "{data}");
        assert_eq!(data["message"]["conversation"], "to all", "{data}");
        Some(())
    })
    .await;

    let body = json!({ "number": group, "text": "to all, too" });
    let sent = world.api().post("/message/sendText/ours", body).await.ok();
    let id = sent["key"]["id"].as_str().unwrap();
    let heard = baileys.message(id).await;
    assert_eq!(heard["key"]["remoteJid"], group, "{heard}");
    assert_eq!(heard["message"]["conversation"], "to all, too", "{heard}");
    world.assert_no_violations().await;
    baileys.assert_understood(&world.whatsapp).await;
}
