//! The function `delivery`: its real binary, with batches of real queues.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use pombal_control_plane::delivery::RetryLetter;
use pombal_domain::time::UnixMs;
use pombal_domain::{Event, Instance};
use pombal_store::Queue;
use pombal_store::queue::large::LargeBodies;
use pombal_store::queue::{Outgoing, plan};
use serde_json::json;

use super::deployment::{Deployed, events_options, letters_options};
use super::source::EventSource;
use crate::delivery::rig::{event, eventually, listening, message};
use crate::receiver::{Behave, TestReceiver};

pub(super) const DELIVERY: &str = env!("CARGO_BIN_EXE_delivery");

/// An instance that wants every event at `url`.
pub(super) async fn instance(deployed: &Deployed, name: &str, url: &str) -> Instance {
    let made = listening(&deployed.keys, name, url).await;
    deployed.registry.create_instance(&made).await.unwrap();
    made
}

pub(super) async fn events(deployed: &Deployed) -> EventSource {
    EventSource::new(deployed, plan::EVENTS, &events_options()).await
}

pub(super) async fn retries(deployed: &Deployed) -> EventSource {
    EventSource::new(deployed, plan::RETRIES, &letters_options()).await
}

pub(super) async fn publish(source: &EventSource, events: &[Event]) {
    let messages: Vec<Outgoing> = events.iter().map(message).collect();
    for part in messages.chunks(10) {
        source.queue.send(part).await.unwrap();
    }
}

/// Writes text that is no JSON over what the row observes; returns what was there.
async fn damage(deployed: &Deployed, row: &Instance, value: &str) -> String {
    let key = |text: String| AttributeValue::S(text);
    let updated = deployed
        .aws
        .dynamodb()
        .update_item()
        .table_name(deployed.registry.table())
        .key("pk", key(format!("NAME#{}", row.name)))
        .key("sk", key("INSTANCE".to_owned()))
        .update_expression("SET observed = :value")
        .expression_attribute_values(":value", key(value.to_owned()))
        .return_values(aws_sdk_dynamodb::types::ReturnValue::UpdatedOld)
        .send()
        .await
        .unwrap();
    updated.attributes.unwrap()["observed"]
        .as_s()
        .unwrap()
        .clone()
}

#[tokio::test]
async fn a_group_that_fails_on_our_side_stays_and_others_go_on() {
    let deployed = Deployed::new().await;
    let receiver = TestReceiver::ok().await;
    let good = instance(&deployed, "good", &receiver.url).await;
    let bad = instance(&deployed, "bad", &receiver.url).await;
    let intact = damage(&deployed, &bad, "no json").await;
    let source = events(&deployed).await;
    let mixed: Vec<Event> = (1..=4)
        .flat_map(|n| [event(&good, n), event(&bad, n + 100)])
        .collect();
    publish(&source, &mixed).await;
    let function = deployed.env.start(DELIVERY).await;
    let batch = source.batch(8).await;
    let failed = source.hand_over(&function, &batch).await;
    let of_bad: Vec<usize> = batch
        .iter()
        .enumerate()
        .filter(|(_, message)| message.group == Some(bad.id.to_string()))
        .map(|(at, _)| at)
        .collect();
    assert_eq!(failed, of_bad, "{}", function.log());
    assert_eq!(receiver.seqs(), [1, 2, 3, 4]);

    // Given back, not held until its time runs out; and in order once the row is well.
    damage(&deployed, &bad, &intact).await;
    let batch = source.batch(4).await;
    assert_eq!(source.hand_over(&function, &batch).await, [0_usize; 0]);
    assert_eq!(receiver.seqs()[4..], [101, 102, 103, 104]);
}

#[tokio::test]
async fn a_killed_function_loses_nothing() {
    let deployed = Deployed::new().await;
    let receiver = TestReceiver::start(|_, before| match before {
        2 => Behave::Hang,
        _ => Behave::Answer(200),
    })
    .await;
    let row = instance(&deployed, "b1", &receiver.url).await;
    let source = events(&deployed).await;
    let sent: Vec<Event> = (1..=6).map(|n| event(&row, n)).collect();
    publish(&source, &sent).await;
    let mut function = deployed.env.start(DELIVERY).await;
    let batch = source.batch(6).await;
    let event = source.event(&batch);
    tokio::select! {
        answer = function.invoke(&event) => panic!("{answer:?}"),
        () = eventually("in the middle", || receiver.hits().len() == 3) => {}
    }
    function.kill().await;

    let function = deployed.env.start(DELIVERY).await;
    let batch = source.batch(6).await;
    assert_eq!(source.hand_over(&function, &batch).await, [0_usize; 0]);
    // What was delivered before the kill comes twice, under the same id.
    assert_eq!(receiver.seqs(), [1, 2, 3, 1, 2, 3, 4, 5, 6]);
    let ids: Vec<_> = receiver
        .hits()
        .iter()
        .map(|hit| hit.header("webhook-id").unwrap().to_owned())
        .collect();
    assert_eq!(ids[..3], ids[3..6]);
}

#[tokio::test]
async fn a_failed_attempt_is_repeated_from_the_retry_queue_and_never_early() {
    let deployed = Deployed::new().await;
    let receiver =
        TestReceiver::start(|_, before| Behave::Answer(if before == 0 { 500 } else { 200 })).await;
    let row = instance(&deployed, "b1", &receiver.url).await;
    let (first, again) = (events(&deployed).await, retries(&deployed).await);
    publish(&first, &[event(&row, 1)]).await;
    let function = deployed.env.start(DELIVERY).await;
    let batch = first.batch(1).await;
    assert_eq!(first.hand_over(&function, &batch).await, [0_usize; 0]);
    assert_eq!(receiver.seqs(), [1]);
    let batch = again.batch(1).await;
    let mut letter: RetryLetter = serde_json::from_str(&batch[0].body).unwrap();
    assert!(UnixMs::now() >= letter.due_at);
    assert_eq!(letter.attempts, 1);

    // One that comes early is sent back with a delay.
    letter.due_at = UnixMs::now().plus(Duration::from_secs(3));
    let mut early = batch.clone();
    early[0].body = serde_json::to_string(&letter).unwrap();
    assert_eq!(again.hand_over(&function, &early).await, [0_usize; 0]);
    assert_eq!(receiver.seqs(), [1]);
    let batch = again.batch(1).await;
    assert_eq!(again.hand_over(&function, &batch).await, [0_usize; 0]);
    assert_eq!(receiver.seqs(), [1, 1]);
    assert!(UnixMs::now() >= letter.due_at);
}

#[tokio::test]
async fn bodies_that_queues_do_not_take_arrive_whole() {
    let deployed = Deployed::new().await;
    let receiver = TestReceiver::ok().await;
    let row = instance(&deployed, "b1", &receiver.url).await;
    let source = events(&deployed).await;
    let bucket = deployed.aws.bucket(&deployed.media_bucket).unwrap();
    let queue = LargeBodies::new(Arc::clone(&source.queue), bucket, "bodies");
    let text = "não \u{FFFF} ".repeat(50_000);
    let texts = ["\u{FFFF}", text.as_str()];
    for (n, text) in (1..).zip(texts) {
        let mut event = event(&row, n);
        event.data = json!({ "text": text });
        queue.send(&[message(&event)]).await.unwrap();
    }
    let function = deployed.env.start(DELIVERY).await;
    let batch = source.batch(2).await;
    assert!(batch[1].body.len() < 200, "no pointer");
    assert_eq!(source.hand_over(&function, &batch).await, [0_usize; 0]);
    let hits = receiver.hits();
    for (hit, text) in hits.iter().zip(texts) {
        assert!(hit.json()["data"]["text"] == text, "text came back changed");
    }
    assert_eq!(hits.len(), 2);
}

#[tokio::test]
async fn what_is_not_done_in_time_is_given_back() {
    let deployed = Deployed::new().await;
    let slow = Duration::from_secs(4);
    let receiver = TestReceiver::start(move |_, _| Behave::After(slow, 200)).await;
    let row = instance(&deployed, "b1", &receiver.url).await;
    let source = events(&deployed).await;
    let sent: Vec<Event> = (1..=4).map(|n| event(&row, n)).collect();
    publish(&source, &sent).await;
    let env = deployed.env.with("WEBHOOK_REQUEST_TIMEOUT_MS", "5000");
    let function = env.start(DELIVERY).await;
    let batch = source.batch(4).await;
    // Time for one attempt, and not for another of full length.
    let deadline = Duration::from_secs(11);
    let answer = function
        .invoke_within(&source.event(&batch), deadline)
        .await;
    let failures = json!([
        { "itemIdentifier": "1" },
        { "itemIdentifier": "2" },
        { "itemIdentifier": "3" },
    ]);
    assert_eq!(answer.unwrap()["batchItemFailures"], failures);
    assert_eq!(receiver.seqs(), [1]);
    let next = source.batch(4).await;
    assert_eq!(next.len(), 4);
}

#[tokio::test]
async fn the_operators_webhook_gets_the_events_that_the_environment_lists() {
    let deployed = Deployed::new().await;
    let (own, operator) = (TestReceiver::ok().await, TestReceiver::ok().await);
    let row = instance(&deployed, "b1", &own.url).await;
    let source = events(&deployed).await;
    let mut call = event(&row, 2);
    call.event = pombal_domain::EventName::Call;
    publish(&source, &[event(&row, 1), call]).await;
    let env = deployed
        .env
        .with("WEBHOOK_GLOBAL_ENABLED", "true")
        .with("WEBHOOK_GLOBAL_URL", &operator.url)
        .with("WEBHOOK_GLOBAL_EVENTS", "CALL,CONNECTION_UPDATE")
        .with("WEBHOOK_GLOBAL_WEBHOOK_BY_EVENTS", "true");
    let function = env.start(DELIVERY).await;
    let batch = source.batch(2).await;
    assert_eq!(source.hand_over(&function, &batch).await, [0_usize; 0]);
    assert_eq!((own.seqs(), operator.seqs()), (vec![1, 2], vec![2]));
    assert_eq!(operator.hits()[0].path, "/hook/call");
}
