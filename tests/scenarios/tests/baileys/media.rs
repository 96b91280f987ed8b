//! Files, and what the phone shares with Baileys through files: history and settings.

use std::collections::HashSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fake_whatsapp::{Change, Media, MediaKind, Options, Watched};
use pombal_scenarios::{Baileys, PATIENCE, eventually};
use serde_json::{Value, json};

const THEIRS: &str = "5511999990331";
const PHONE: &str = "5511999990339";
const PHONE_JID: &str = "5511999990339@s.whatsapp.net";

/// A server with a simulated phone.
async fn server() -> Watched {
    let whatsapp = Watched::start(Options::default()).await.unwrap();
    whatsapp.add_contact(PHONE, "Phone", false).await.unwrap();
    whatsapp
}

/// Bytes as they travel in lines, which is Baileys' own form.
fn buffer(bytes: &[u8]) -> Value {
    json!({ "type": "Buffer", "data": BASE64_STANDARD.encode(bytes) })
}

/// More than one block of everything, and not a round number.
fn picture() -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8, 0xff, 0xe0];
    bytes.extend((0..70_001u32).map(|n| (n % 251) as u8));
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn baileys_and_a_phone_exchange_images() {
    let whatsapp = server().await;
    let baileys = Baileys::pair(&whatsapp, THEIRS, "Theirs").await;

    // A preview of its own keeps Baileys from drawing one, which would need a library.
    let content = json!({
        "image": buffer(&picture()), "caption": "Look", "mimetype": "image/jpeg",
        "jpegThumbnail": BASE64_STANDARD.encode([0xff, 0xd8]),
    });
    let key = baileys.send(PHONE_JID, content).await;
    let id = key["id"].as_str().unwrap();
    let (about, bytes) = whatsapp.file(PHONE, id).await.unwrap();
    assert_eq!(about.kind, MediaKind::Image);
    assert_eq!(about.caption.as_deref(), Some("Look"));
    assert_eq!(about.mimetype.as_deref(), Some("image/jpeg"));
    assert!(bytes == picture(), "the phone reads other bytes");

    let media = Media {
        kind: MediaKind::Image,
        mimetype: "image/jpeg".to_owned(),
        caption: Some("Look back".to_owned()),
        file_name: None,
        bytes: picture(),
    };
    let sent = whatsapp
        .send_media_from_phone(PHONE, THEIRS, &media, None)
        .await;
    let id = sent.unwrap();
    let message = baileys.message(&id).await;
    assert_eq!(message["message"]["imageMessage"]["caption"], "Look back");
    let downloaded = baileys.download(&id).await.unwrap();
    assert!(
        downloaded == buffer(&picture()),
        "Baileys reads other bytes"
    );
    baileys.assert_understood(&whatsapp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn baileys_learns_the_history_of_its_phone() {
    let whatsapp = server().await;
    whatsapp.seed_history(THEIRS, 3, 40).await.unwrap();
    let baileys = Baileys::pair(&whatsapp, THEIRS, "Theirs").await;
    let messages = eventually("120 old messages", PATIENCE, async || {
        let synced = baileys.events("messaging-history.set").into_iter();
        let messages: Vec<Value> = synced
            .flat_map(|sync| sync["messages"].as_array().cloned().unwrap_or_default())
            .collect();
        (messages.len() >= 3 * 40).then_some(messages)
    })
    .await;
    assert_eq!(messages.len(), 3 * 40, "each once");
    assert!(
        messages
            .iter()
            .all(|old| old["message"]["conversation"].is_string())
    );
    let synced = baileys.events("messaging-history.set");
    let chats = synced.iter().filter_map(|sync| sync["chats"].as_array());
    let chats: HashSet<&str> = chats
        .flatten()
        .filter_map(|chat| chat["id"].as_str())
        .collect();
    assert_eq!(chats.len(), 3, "{chats:?}");
    baileys.settle(&whatsapp).await;
    baileys.assert_understood(&whatsapp).await;
}

async fn wait_for_name(baileys: &Baileys, name: &str) {
    let what = format!("Baileys learns that its name is {name}");
    eventually(&what, PATIENCE, async || {
        (baileys.me().await["name"] == name).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_travel_between_baileys_and_its_phone() {
    let whatsapp = server().await;
    let baileys = Baileys::pair(&whatsapp, THEIRS, "Theirs").await;
    wait_for_name(&baileys, "Theirs").await;
    let name = Change::PushName {
        name: "Renamed".to_owned(),
    };
    whatsapp.change_on_phone(THEIRS, &name).await.unwrap();
    wait_for_name(&baileys, "Renamed").await;

    let until_ms = 4_000_000_000_000;
    let mute = Change::Mute {
        chat: PHONE.to_owned(),
        on: true,
        until_ms: Some(until_ms),
    };
    whatsapp.change_on_phone(THEIRS, &mute).await.unwrap();
    eventually("the phone's mute at Baileys", PATIENCE, async || {
        let updates = baileys.events("chats.update").into_iter();
        let mut chats = updates.flat_map(|chats| chats.as_array().cloned().unwrap_or_default());
        let muted = chats.any(|chat| chat["id"] == PHONE_JID && chat["muteEndTime"] == until_ms);
        muted.then_some(())
    })
    .await;

    // Baileys changes the same collection: its patch has to fit onto the phone's.
    let pin = json!([{ "pin": true }, PHONE_JID]);
    baileys.call("chatModify", pin).await;
    let state = whatsapp.app_state(THEIRS).await.unwrap();
    let pinned = state.to_string();
    assert!(
        pinned.contains("pin_v1") && pinned.contains(PHONE_JID),
        "{state:#}"
    );
    baileys.assert_understood(&whatsapp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn baileys_sees_the_picture_and_the_text_of_a_phone() {
    let whatsapp = server().await;
    let baileys = Baileys::pair(&whatsapp, THEIRS, "Theirs").await;
    whatsapp.set_picture(PHONE, Some(&picture())).await.unwrap();
    whatsapp.set_about(PHONE, "On the roof").await.unwrap();

    let shown = baileys
        .call("profilePictureUrl", json!([PHONE_JID, "image"]))
        .await;
    let url = shown.as_str().unwrap();
    assert!(url.contains(&whatsapp.media_addr().to_string()), "{url}");
    let about = baileys.call("fetchStatus", json!([PHONE_JID])).await;
    assert_eq!(about[0]["status"]["status"], "On the roof", "{about}");
    let known = baileys
        .call("onWhatsApp", json!([PHONE, "5511000000000"]))
        .await;
    assert_eq!(known[0]["jid"], PHONE_JID, "{known}");
    assert_eq!(known[0]["exists"], true, "{known}");
    assert!(known[1]["exists"] != true, "{known}");
    baileys.assert_understood(&whatsapp).await;
}
