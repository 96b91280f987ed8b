//! Media in bodies, and events that are for one address only.

use std::sync::Arc;

use pombal_control_plane::delivery::Shelf;
use pombal_domain::{Event, Instance};
use pombal_store::Media;
use pombal_store::media::MediaKey;
use pombal_store::media::local::LocalMedia;
use serde_json::json;

use super::rig::{Rig, event, eventually, global};
use crate::receiver::TestReceiver;

/// A message with a medium that is kept.
async fn with_medium(rig: &Rig, row: &Instance, seq: u64) -> (Event, LocalMedia) {
    let directory = rig.stores.directory().join("media");
    let media = LocalMedia::open(directory, "http://gateway.test", &[7; 32]).unwrap();
    let mut event = event(row, seq);
    let key = MediaKey::new(row.id, &event.id.to_string()).unwrap();
    media.put(&key, "image/png", "pixels".into()).await.unwrap();
    event.data = json!({ "message": { "mediaUrl": "http://gateway.test/media/x" } });
    (event, media)
}

#[tokio::test]
async fn a_webhook_that_wants_media_gets_them() {
    for (base64, shown) in [(true, json!("cGl4ZWxz")), (false, json!(null))] {
        let (rig, receiver) = (Rig::new().await, TestReceiver::ok().await);
        let row = rig
            .instance_with("b1", &receiver.url, |webhook| webhook.base64 = base64)
            .await;
        let (event, media) = with_medium(&rig, &row, 1).await;
        rig.publish(&event).await;
        let service = rig.start_with(|options| {
            options.shelf = Some(Shelf::new(Arc::new(media)));
        });
        eventually("one delivered", || service.counts().delivered == 1).await;
        let body = receiver.hits().remove(0).json();
        assert_eq!(body["data"]["message"]["base64"], shown);
        assert!(body["data"]["message"]["mediaUrl"].is_string());
        service.stop().await;
    }
}

#[tokio::test]
async fn what_the_instance_wants_of_media_is_not_what_the_operator_gets() {
    let (rig, own) = (Rig::new().await, TestReceiver::ok().await);
    let operator = TestReceiver::ok().await;
    let row = rig
        .instance_with("b1", &own.url, |webhook| webhook.base64 = true)
        .await;
    let (event, media) = with_medium(&rig, &row, 1).await;
    rig.publish(&event).await;
    let service = rig.start_with(|options| {
        options.shelf = Some(Shelf::new(Arc::new(media)));
        options.global = Some(global(&operator.url));
    });
    eventually("both delivered", || service.counts().delivered == 2).await;
    let message = |receiver: &TestReceiver| receiver.hits()[0].json()["data"]["message"].clone();
    assert_eq!(message(&own)["base64"], "cGl4ZWxz");
    assert_eq!(message(&operator), event.data["message"]);
    service.stop().await;
}

#[tokio::test]
async fn a_medium_that_is_gone_is_left_out() {
    let (rig, receiver) = (Rig::new().await, TestReceiver::ok().await);
    let row = rig
        .instance_with("b1", &receiver.url, |webhook| webhook.base64 = true)
        .await;
    let (event, media) = with_medium(&rig, &row, 1).await;
    media.delete_all(row.id).await.unwrap();
    rig.publish(&event).await;
    let service = rig.start_with(|options| {
        options.shelf = Some(Shelf::new(Arc::new(media)));
    });
    eventually("one delivered", || service.counts().delivered == 1).await;
    let body = receiver.hits().remove(0).json();
    assert!(body["data"]["message"].get("base64").is_none());
    service.stop().await;
}

#[tokio::test]
async fn an_event_for_one_address_goes_there_only_and_bare() {
    let (rig, own) = (Rig::new().await, TestReceiver::ok().await);
    let other = TestReceiver::ok().await;
    let secret = std::collections::BTreeMap::from([("x-secret".to_owned(), "1".to_owned())]);
    let row = rig
        .instance_with("b1", &own.url, |webhook| webhook.headers = Some(secret))
        .await;
    let mut event = event(&row, 1);
    event.only_to = Some(other.url.clone());
    event.data = json!({ "event": "APPROVED" });
    rig.publish(&event).await;
    let operator = TestReceiver::ok().await;
    let service = rig.start_with(|options| options.global = Some(global(&operator.url)));
    eventually("one delivered", || service.counts().delivered == 1).await;
    let hit = other.hits().remove(0);
    assert_eq!(hit.json(), json!({ "event": "APPROVED" }));
    assert_eq!(hit.header("x-secret"), None);
    assert!(own.hits().is_empty());
    service.stop().await;
    assert!(operator.hits().is_empty());
}
