//! What an endpoint gets to see.

use std::collections::BTreeMap;

use pombal_control_plane::api::token;
use pombal_control_plane::{Secret, token_hash};
use pombal_domain::EventName;
use serde_json::{Value, json};

use super::rig::{Rig, event, eventually};
use crate::receiver::TestReceiver;

#[tokio::test]
async fn body_and_headers_are_the_contracts() {
    let (rig, receiver) = (Rig::new().await, TestReceiver::ok().await);
    let headers = BTreeMap::from([
        ("X-Custom".to_owned(), "1".to_owned()),
        ("content-type".to_owned(), "text/plain".to_owned()),
        ("Host".to_owned(), "elsewhere".to_owned()),
    ]);
    let row = rig
        .instance_with("b1", &receiver.url, |webhook| {
            webhook.headers = Some(headers);
        })
        .await;
    let mut event = event(&row, 7);
    event.sender = Some("5511999990001@s.whatsapp.net".into());
    rig.publish(&event).await;
    let service = rig.start();
    eventually("one delivered", || service.counts().delivered == 1).await;
    let hit = receiver.hits().remove(0);
    assert_eq!(
        hit.text,
        format!(
            concat!(
                r#"{{"event":"messages.upsert","instance":"b1","data":{{"n":7}},"#,
                r#""destination":"{url}","date_time":"2023-11-14T22:13:20.000Z","#,
                r#""sender":"5511999990001@s.whatsapp.net","server_url":"http://gateway.test","#,
                r#""apikey":null,"id":"{id}","seq":7,"epoch":1}}"#
            ),
            url = receiver.url,
            id = event.id
        )
    );
    assert_eq!(hit.path, "/hook");
    assert_eq!(hit.header("x-custom"), Some("1"));
    assert_eq!(hit.header("content-type"), Some("application/json"));
    assert_eq!(
        hit.header("webhook-id"),
        Some(event.id.to_string().as_str())
    );
    assert!(hit.header("user-agent").unwrap().starts_with("pombal/"));
    assert_ne!(hit.header("host"), Some("elsewhere"));
    service.stop().await;
}

#[tokio::test]
async fn by_events_adds_a_suffix_and_the_destination_stays() {
    let (rig, receiver) = (Rig::new().await, TestReceiver::ok().await);
    let row = rig
        .instance_with("b1", &receiver.url, |webhook| webhook.by_events = true)
        .await;
    let mut event = event(&row, 1);
    event.event = EventName::GroupParticipantsUpdate;
    rig.publish(&event).await;
    let service = rig.start_with(|options| options.expose_keys = true);
    eventually("one delivered", || service.counts().delivered == 1).await;
    let hit = receiver.hits().remove(0);
    assert_eq!(hit.path, "/hook/group-participants-update");
    assert_eq!(hit.json()["destination"], json!(receiver.url));
    assert_eq!(hit.json()["event"], "group-participants.update");
    assert_eq!(hit.json()["apikey"], "T-1");
    service.stop().await;
}

#[tokio::test]
async fn a_new_token_is_shown_from_the_next_event_on() {
    let (rig, receiver) = (Rig::new().await, TestReceiver::ok().await);
    let row = rig.instance("b1", &receiver.url).await;
    let service = rig.start_with(|options| options.expose_keys = true);
    rig.publish_all(&row, [1]).await;
    eventually("one delivered", || service.counts().delivered == 1).await;
    let stores = &rig.stores;
    let key = stores.keys.unwrap(row.id, &row.data_key).await.unwrap();
    let sealed = token::seal(&key, row.id, &Secret::new("T-2")).unwrap();
    let hash = token_hash(b"T-2");
    let replaced = stores.registry.replace_token(&row, &hash, sealed);
    replaced.await.unwrap();
    rig.publish_all(&row, [2]).await;
    eventually("both delivered", || service.counts().delivered == 2).await;
    let shown: Vec<_> = receiver
        .hits()
        .iter()
        .map(|h| h.json()["apikey"].clone())
        .collect();
    assert_eq!(shown, [json!("T-1"), json!("T-2")]);
    service.stop().await;
}

#[tokio::test]
async fn a_jwt_key_becomes_a_token() {
    let (rig, receiver) = (Rig::new().await, TestReceiver::ok().await);
    let headers = BTreeMap::from([("jwt_key".to_owned(), "secret".to_owned())]);
    let row = rig
        .instance_with("b1", &receiver.url, |webhook| {
            webhook.headers = Some(headers);
        })
        .await;
    rig.publish_all(&row, [1]).await;
    let service = rig.start();
    eventually("one delivered", || service.counts().delivered == 1).await;
    let hit = receiver.hits().remove(0);
    assert_eq!(hit.header("jwt_key"), None);
    let token = hit
        .header("authorization")
        .unwrap()
        .strip_prefix("Bearer ")
        .unwrap()
        .to_owned();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let decode = |text: &str| {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(text)
            .unwrap()
    };
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"secret");
    ring::hmac::verify(&key, signed.as_bytes(), &decode(signature)).unwrap();
    let claims: Value = serde_json::from_slice(&decode(signed.split_once('.').unwrap().1)).unwrap();
    let issued = claims["iat"].as_u64().unwrap();
    let wanted =
        json!({ "iat": issued, "exp": issued + 600, "app": "evolution", "action": "webhook" });
    assert_eq!(claims, wanted);
    service.stop().await;
}
