//! Received media are taken over.

use std::time::Duration;

use fake_graph::webhook::{self, message};
use fake_graph::{Fault, GraphError, Number, Route};
use serde_json::{Value, json};
use url::Url;

use super::rig::Rig;

fn image(number: &Number, id: &str, medium: &str) -> Value {
    let content = json!({
        "id": medium, "mime_type": "image/jpeg", "sha256": "abc", "caption": "look",
    });
    let message = message("5511999990001", id, "image", content);
    webhook::of(number, webhook::messages(number, &[message]))
}

#[tokio::test]
async fn a_medium_is_kept_and_the_message_says_where() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let medium = rig.graph.keep("111", "image/jpeg", &b"pixels"[..]);
    rig.told(&image(&number, "wamid.1", &medium)).await;
    let told = rig.of("messages.upsert").await;
    assert_eq!(told[0]["messageType"], "imageMessage");
    let shown = &told[0]["message"]["imageMessage"];
    assert_eq!(
        (&shown["id"], &shown["caption"], &shown["mimetype"]),
        (&json!(medium), &json!("look"), &json!("image/jpeg"))
    );
    let url: Url = told[0]["message"]["mediaUrl"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let body = stored(&rig, &url).await;
    assert_eq!(body, b"pixels");
}

/// What a link leads to.
async fn stored(rig: &Rig, url: &Url) -> Vec<u8> {
    use futures::TryStreamExt;
    use pombal_store::Media;
    let key = url.path().strip_prefix("/media/").unwrap();
    let stored = rig.media.get(&key.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(stored.content_type, "image/jpeg");
    let chunks: Vec<_> = stored.body.try_collect().await.unwrap();
    chunks.concat()
}

#[tokio::test]
async fn a_message_is_told_even_if_its_medium_can_not_be_had() {
    let rig = Rig::start_with(|config| config.media_time = Duration::from_millis(400)).await;
    let number = rig.instance("a", "111").await;
    let medium = rig.graph.keep("111", "image/jpeg", &b"pixels"[..]);
    // Gone at Meta; somebody else's; and hanging.
    rig.told(&image(&number, "wamid.1", "4242")).await;
    let foreign = rig.graph.keep("222", "image/jpeg", &b"secret"[..]);
    rig.told(&image(&number, "wamid.2", &foreign)).await;
    rig.graph.fail(Route::Download, Fault::DoneAndHang);
    rig.told(&image(&number, "wamid.3", &medium)).await;
    let told = rig.of("messages.upsert").await;
    assert_eq!(told.len(), 3);
    for data in told {
        assert!(data["message"]["imageMessage"]["id"].is_string());
        assert!(data["message"].get("mediaUrl").is_none());
    }
}

#[tokio::test]
async fn a_hiccup_of_metas_is_overcome() {
    let rig = Rig::start().await;
    let number = rig.instance("a", "111").await;
    let medium = rig.graph.keep("111", "image/jpeg", &b"pixels"[..]);
    rig.graph
        .fail(Route::Medium, Fault::Refuse(GraphError::broken()));
    rig.graph.fail(Route::Download, Fault::Page(503));
    rig.told(&image(&number, "wamid.1", &medium)).await;
    let told = rig.of("messages.upsert").await;
    assert!(told[0]["message"]["mediaUrl"].is_string());
}
