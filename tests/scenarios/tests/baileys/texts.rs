//! Texts and receipts between Baileys and others.
//!
//! Two weaknesses of Baileys 7 shape these tests. It reads the first texts of a sender whose LID
//! it does not know out of order, so every row of texts begins after one of them. And it loses
//! updates of a Signal session that it uses both ways at one moment (it encrypts inside of one
//! transaction and decrypts inside of another), so rows never cross.

use std::collections::HashSet;

use fake_whatsapp::{FakeWhatsApp, Options, Watched};
use pombal_scenarios::{Baileys, PATIENCE, Status, World, eventually};
use serde_json::{Value, json};

const TEXTS: usize = 50;

const OURS: &str = "5511999990311";
const THEIRS: &str = "5511999990312";
const PHONE: &str = "5511999990319";

/// Sends a text from our instance to Baileys. Returns its id.
async fn ours_send(world: &World, text: &str) -> String {
    let body = json!({ "number": THEIRS, "text": text });
    let sent = world.api().post("/message/sendText/ours", body).await;
    assert_eq!(sent.status, 201, "{}", sent.body);
    sent.body["key"]["id"].as_str().unwrap().to_owned()
}

/// Sends `TEXTS` texts from our instance, one after the other. Returns their ids.
async fn ours_send_all(world: &World) -> Vec<String> {
    let mut ids = Vec::with_capacity(TEXTS);
    for n in 0..TEXTS {
        ids.push(ours_send(world, &format!("ours {n}")).await);
    }
    ids
}

/// Sends a text from the simulated phone to Baileys. Returns its id.
async fn phone_sends(whatsapp: &FakeWhatsApp, text: &str) -> String {
    let sent = whatsapp.send_from_phone(PHONE, THEIRS, text, None).await;
    sent.unwrap()
}

/// Sends `TEXTS` texts from Baileys, one after the other. Returns their ids.
async fn theirs_send_all(baileys: &Baileys, to: &str) -> Vec<String> {
    let mut ids = Vec::with_capacity(TEXTS);
    for n in 0..TEXTS {
        ids.push(baileys.send_text(to, &format!("theirs {n}")).await);
    }
    ids
}

fn numbered(ids: &[String], whose: &str) -> Vec<(String, String)> {
    let texts = (0..).map(|n| format!("{whose} {n}"));
    ids.iter().cloned().zip(texts).collect()
}

/// Waits until Baileys has told as many texts as `expected`, and compares.
async fn assert_baileys_got(baileys: &Baileys, expected: &[(String, String)]) {
    let what = format!("{} texts at Baileys", expected.len());
    eventually(&what, PATIENCE, async || {
        (baileys.texts().len() >= expected.len()).then_some(())
    })
    .await;
    assert_eq!(baileys.texts(), expected, "each once and in order");
}

/// The texts that arrived at our instance's webhook, in order.
fn hooked(world: &World) -> Vec<(String, String)> {
    let upserts = world.hooks.of("ours", "messages.upsert").into_iter();
    upserts
        .filter(|body| body["data"]["key"]["fromMe"] == false)
        .map(|body| {
            let text = |value: &Value| value.as_str().map(str::to_owned);
            let message = &body["data"]["message"];
            let said = text(&message["conversation"])
                .or_else(|| text(&message["extendedTextMessage"]["text"]));
            (text(&body["data"]["key"]["id"]).unwrap(), said.unwrap())
        })
        .collect()
}

async fn assert_ours_got(world: &World, expected: &[(String, String)]) {
    eventually("Baileys' texts at our webhook", PATIENCE, async || {
        (hooked(world).len() >= expected.len()).then_some(())
    })
    .await;
    assert_eq!(hooked(world), expected, "each once and in order");
}

/// Waits until our webhook was told this status for each of these messages.
async fn assert_ours_told(world: &World, status: &str, ids: &[String]) {
    let what = format!("{status} of {} messages", ids.len());
    eventually(&what, PATIENCE, async || {
        let updates = world.hooks.of("ours", "messages.update").into_iter();
        let told: HashSet<String> = updates
            .filter(|body| body["data"]["status"] == status)
            .filter_map(|body| body["data"]["keyId"].as_str().map(str::to_owned))
            .collect();
        ids.iter().all(|id| told.contains(id)).then_some(())
    })
    .await;
}

/// Waits until Baileys was told that a device of the recipient has each of these messages.
async fn assert_baileys_told_delivery(baileys: &Baileys, ids: &[String]) {
    let what = format!("delivery of {} messages told to Baileys", ids.len());
    eventually(&what, PATIENCE, async || {
        ids.iter()
            .all(|id| baileys.was_told(id, Status::Delivered))
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn baileys_and_one_of_ours_exchange_texts_and_receipts() {
    let world = World::start().await;
    world.open("ours", OURS).await;
    let baileys = Baileys::pair(&world.whatsapp, THEIRS, "Theirs").await;

    let first = ours_send(&world, "first").await;
    baileys.message(&first).await;
    let ours = ours_send_all(&world).await;
    let mut expected = vec![(first, "first".to_owned())];
    expected.extend(numbered(&ours, "ours"));
    assert_baileys_got(&baileys, &expected).await;
    assert_ours_told(&world, "DELIVERY_ACK", &ours).await;

    let theirs = theirs_send_all(&baileys, OURS).await;
    assert_ours_got(&world, &numbered(&theirs, "theirs")).await;
    assert_baileys_told_delivery(&baileys, &theirs).await;

    let last = baileys.message(&ours[TEXTS - 1]).await;
    baileys.call("readMessages", json!([[last["key"]]])).await;
    assert_ours_told(&world, "READ", &ours[TEXTS - 1..]).await;

    world.assert_no_violations().await;
    baileys.assert_understood(&world.whatsapp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn baileys_and_a_phone_exchange_texts() {
    let whatsapp = Watched::start(Options::default()).await.unwrap();
    whatsapp.add_contact(PHONE, "Phone", false).await.unwrap();
    let baileys = Baileys::pair(&whatsapp, THEIRS, "Theirs").await;

    let first = phone_sends(&whatsapp, "first").await;
    baileys.message(&first).await;
    let mut expected = vec![(first, "first".to_owned())];
    for n in 0..TEXTS {
        let text = format!("phone {n}");
        expected.push((phone_sends(&whatsapp, &text).await, text));
    }
    assert_baileys_got(&baileys, &expected).await;

    let theirs = theirs_send_all(&baileys, PHONE).await;
    let inbox = whatsapp.inbox(PHONE).await.unwrap();
    let got: Vec<_> = inbox
        .into_iter()
        .filter(|item| !item.from_me)
        .map(|item| (item.id, item.text))
        .collect();
    assert_eq!(got, numbered(&theirs, "theirs"), "each once and in order");
    assert_baileys_told_delivery(&baileys, &theirs).await;
    baileys.assert_understood(&whatsapp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_baileys_misses_while_it_is_off_arrives_at_its_next_login() {
    let whatsapp = Watched::start(Options::default()).await.unwrap();
    whatsapp.add_contact(PHONE, "Phone", false).await.unwrap();
    let mut baileys = Baileys::pair(&whatsapp, THEIRS, "Theirs").await;
    // A first exchange, so that there is a session to go on with.
    let first = phone_sends(&whatsapp, "first").await;
    baileys.message(&first).await;
    baileys.send_text(PHONE, "second").await;
    baileys.stop(&whatsapp).await;

    let mut missed = Vec::new();
    for n in 0..5 {
        let text = format!("missed {n}");
        missed.push((phone_sends(&whatsapp, &text).await, text));
    }
    baileys.start_again().await;
    assert_baileys_got(&baileys, &missed).await;
    let replied = baileys.send_text(PHONE, "back again").await;
    assert_baileys_told_delivery(&baileys, &[replied]).await;
    baileys.assert_understood(&whatsapp).await;
}
