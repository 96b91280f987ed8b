//! The function `janitor`: its real binary.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use pombal_control_plane::delivery::{RetryLetter, Sink};
use pombal_domain::InstanceId;
use pombal_domain::time::UnixMs;
use pombal_store::Media;
use pombal_store::media::MediaKey;
use pombal_store::media::s3::S3Media;
use pombal_store::queue::large::Bodies;
use pombal_store::queue::plan;
use serde_json::json;

use super::deployment::{Deployed, letters_options};
use super::source::EventSource;
use crate::delivery::rig::{event, listening};

const JANITOR: &str = env!("CARGO_BIN_EXE_janitor");

#[tokio::test]
async fn letters_that_are_due_are_moved_and_the_rest_waits() {
    let deployed = Deployed::new().await;
    let made = listening(&deployed.keys, "b1", "https://hook.test/").await;
    let bucket = deployed.aws.bucket(&deployed.media_bucket).unwrap();
    let bodies = Bodies::new(bucket, "bodies");
    let letter = |n, due_at, text: &str| {
        let mut event = event(&made, n);
        event.data = json!({ "text": text });
        RetryLetter {
            event,
            sink: Sink::Instance,
            attempts: 5,
            due_at,
            error: "the endpoint answered 500".to_owned(),
        }
    };
    let now = UnixMs::now();
    let due = [
        letter(1, now, "small"),
        letter(2, now, &"large".repeat(100_000)),
    ];
    let later = letter(3, now.plus(Duration::from_secs(3600)), "later");
    for letter in due.iter().chain([&later]) {
        let body = serde_json::to_string(letter).unwrap();
        let carried = bodies.shrink(&body, 8 * 1024).await.unwrap();
        let id = letter.event.id.to_string();
        let put = deployed.registry.put_due(&id, letter.due_at, &carried);
        put.await.unwrap();
    }
    let janitor = deployed.env.start(JANITOR).await;
    let schedule = json!({ "source": "aws.scheduler" });
    let report = janitor.invoke(&schedule).await.unwrap();
    assert_eq!(report["letters"], 2, "{}", janitor.log());
    let source = EventSource::new(&deployed, plan::RETRIES, &letters_options()).await;
    let mut moved = Vec::new();
    for message in source.batch(2).await {
        let body = bodies.restore(&message.body).await.unwrap();
        moved.push(serde_json::from_str::<RetryLetter>(&body).unwrap());
    }
    moved.sort_by_key(|letter| letter.event.seq);
    assert!(moved == due, "letters came out changed");
    let report = janitor.invoke(&schedule).await.unwrap();
    assert_eq!(report["letters"], 0, "{}", janitor.log());
    let two_hours = now.plus(Duration::from_secs(7200));
    assert!(
        !deployed
            .registry
            .due_minutes(two_hours)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_tombstone_that_nobody_buries_is_reported() {
    let deployed = Deployed::new().await;
    let made = listening(&deployed.keys, "b1", "https://hook.test/").await;
    deployed.registry.create_instance(&made).await.unwrap();
    deployed.registry.delete_instance(&made).await.unwrap();
    let janitor = deployed.env.start(JANITOR).await;
    let report = janitor.invoke(&json!({})).await.unwrap();
    assert_eq!(report["unburied"], 0, "{}", janitor.log());
    // An hour later.
    let key = |text: String| AttributeValue::S(text);
    deployed
        .aws
        .dynamodb()
        .update_item()
        .table_name(deployed.registry.table())
        .key("pk", key(format!("TOMBSTONE#{}", made.id)))
        .key("sk", key("TOMBSTONE".to_owned()))
        .update_expression("SET since = since - :hour")
        .expression_attribute_values(":hour", AttributeValue::N("3600000".to_owned()))
        .send()
        .await
        .unwrap();
    let report = janitor.invoke(&json!({})).await.unwrap();
    assert_eq!(report["unburied"], 1, "{}", janitor.log());
    assert!(janitor.log().contains("tombstone.unburied"));
}

#[tokio::test]
async fn young_media_of_nobody_are_left_alone_and_it_comes_once_an_hour() {
    let deployed = Deployed::new().await;
    let bucket = deployed.aws.bucket(&deployed.media_bucket).unwrap();
    let media = S3Media::new(bucket, "media");
    let key = MediaKey::new(InstanceId::random(), "a.jpeg").unwrap();
    media
        .put(&key, "image/jpeg", Bytes::from("x"))
        .await
        .unwrap();
    let janitor = deployed.env.start(JANITOR).await;
    for _ in 0..2 {
        let report = janitor.invoke(&json!({})).await.unwrap();
        assert_eq!(
            report,
            json!({ "letters": 0, "unused": 0, "unburied": 0, "media": 0 }),
            "{}",
            janitor.log()
        );
    }
    assert!(media.get(&key).await.unwrap().is_some());
    let hour = Duration::from_secs(3600);
    let registry = &deployed.registry;
    let turn = |now| registry.take_turn("media", hour, now);
    assert!(!turn(UnixMs::now()).await.unwrap());
    assert!(turn(UnixMs::now().plus(hour)).await.unwrap());
}
