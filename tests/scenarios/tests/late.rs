//! A message that could not be sent in its time is never sent, and that is said.

use std::time::{Duration, Instant};

use fake_whatsapp::{Ending, Stage, Trouble};
use pombal_scenarios::{PATIENCE, World, eventually};
use serde_json::json;

const CUSTOMER: &str = "5511988880001";
/// How long a message may wait in this deployment.
const TTL: Duration = Duration::from_secs(4);

async fn start() -> World {
    let ttl = TTL.as_secs().to_string();
    let world = World::start_with(|options| options.env("SEND_TTL_SECONDS", &ttl)).await;
    let added = world.whatsapp.add_contact(CUSTOMER, "Customer", false);
    added.await.unwrap();
    world
}

/// WhatsApp lets this account in no more, until its troubles are cleared.
async fn keep_out(world: &World, phone: &str) {
    let trouble = Trouble {
        phone: Some(phone.to_owned()),
        stage: Stage::Login,
        ending: Ending::StreamError { code: 503 },
        times: None,
    };
    world.whatsapp.order(trouble).await.unwrap();
    let ended = world.whatsapp.end(Some(phone), &Ending::Close).await;
    assert_eq!(ended.unwrap(), 1);
    world.wait_for_state("a", "connecting").await;
}

/// Sends a text to the customer. Returns its id.
async fn send(world: &World, text: &str) -> String {
    let body = json!({ "number": CUSTOMER, "text": text });
    let sent = world.api().post("/message/sendText/a", body).await;
    assert_eq!(sent.status, 201, "{}", sent.body);
    sent.body["key"]["id"].as_str().unwrap().to_owned()
}

/// The customer gets this text, and got none of what was late.
async fn arrives_alone(world: &World, text: &str) {
    let texts = eventually(&format!("{text:?} arrives"), PATIENCE, async || {
        let inbox = world.whatsapp.inbox(CUSTOMER).await.unwrap();
        let texts: Vec<String> = inbox.into_iter().map(|item| item.text).collect();
        texts.iter().any(|got| got == text).then_some(texts)
    })
    .await;
    assert_eq!(texts, [text]);
}

/// The instance's webhook hears that it was not sent.
async fn is_given_up(world: &World, id: &str) {
    eventually(&format!("{id} is given up"), PATIENCE, async || {
        let updates = world.hooks.of("a", "messages.update");
        let mut mine = updates.iter().filter(|body| body["data"]["keyId"] == id);
        mine.any(|body| body["data"]["status"] == "ERROR")
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_whatsapp_would_not_take_in_time_is_not_sent_late() {
    let world = start().await;
    let a = world.open("a", "5511999990061").await;
    keep_out(&world, &a.phone).await;
    let late = send(&world, "late").await;
    is_given_up(&world, &late).await;
    world.whatsapp.clear_troubles().await;
    world.wait_for_state("a", "open").await;
    send(&world, "in time").await;
    arrives_alone(&world, "in time").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_outlived_its_time_in_a_queue_is_not_sent_late() {
    let mut world = start().await;
    let a = world.open("a", "5511999990062").await;
    keep_out(&world, &a.phone).await;
    let late = send(&world, "late").await;
    let sent_at = Instant::now();
    world.kill();
    eventually("its time is over", 2 * TTL, async || {
        (sent_at.elapsed() > TTL).then_some(())
    })
    .await;
    world.whatsapp.clear_troubles().await;
    world.boot();
    world.wait_for_state("a", "open").await;
    is_given_up(&world, &late).await;
    send(&world, "in time").await;
    arrives_alone(&world, "in time").await;
}
