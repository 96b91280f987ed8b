//! The routes that only instances of Meta's Cloud API have, described.

use serde_json::{Value, json};
use utoipa::ToSchema;

use super::bodies::{
    SendAudioBody, SendButtonsBody, SendContactBody, SendListBody, SendLocationBody, SendMediaBody,
    SendReactionBody, SendTemplateBody,
};
use crate::api::openapi::{Document, Post, business, instance};
use crate::business::SentMessage;

const TO: &str = "5511999990002";

/// The chapter of the Cloud API. The routes of its templates and its webhook are described
/// behind this.
pub(in crate::api) fn describe_cloud(document: &mut Document) {
    document.chapter(
        "Cloud API",
        "For instances of the integration `WHATSAPP-BUSINESS`. Others are answered 400.",
    );
    media(document);
    things(document);
    choices(document);
    for route in ["sendPtv", "sendSticker", "sendStatus", "sendPoll"] {
        let no = instance("Refused").refuses(400, "Nobody can send it yet.", not_yet(route));
        document.at([Post], &format!("/message/{route}/{{name}}"), no);
    }
}

fn media(document: &mut Document) {
    let picture = json!({
        "number": TO, "mediatype": "image", "media": "https://media.example.com/pigeon.jpg",
    });
    let paper = json!({
        "number": TO, "mediatype": "document", "media": "JVBERi0=", "mimetype": "application/pdf",
        "fileName": "pigeons.pdf", "caption": "All of them", "delay": 1200, "quoted": quoted(),
    });
    describe::<SendMediaBody>(
        document,
        "sendMedia",
        "Send an image, a document, a video or an audio",
        &[("by its address", picture), ("in base64", paper)],
        &[
            "imageMessage",
            "documentMessage",
            "videoMessage",
            "audioMessage",
        ],
    );
    let link = json!({ "number": TO, "audio": "https://media.example.com/coo.ogg" });
    let bytes = json!({
        "number": TO, "audio": "data:audio/ogg;base64,T2dnUw==", "encoding": true, "delay": 1200,
        "quoted": quoted(),
    });
    describe::<SendAudioBody>(
        document,
        "sendWhatsAppAudio",
        "Send a voice message",
        &[("by its address", link), ("in base64", bytes)],
        &["audioMessage"],
    );
}

fn things(document: &mut Document) {
    let place = json!({
        "number": TO, "name": "Pombal", "address": "Pombal, Portugal", "latitude": 39.9161,
        "longitude": -8.6281, "delay": 1200, "quoted": quoted(),
    });
    describe::<SendLocationBody>(
        document,
        "sendLocation",
        "Send a place",
        &[("an answer", place)],
        &["locationMessage"],
    );
    let ana = json!({ "fullName": "Ana Lima", "phoneNumber": "5511999990003" });
    let shop = json!({
        "fullName": "Ana Lima", "phoneNumber": "+55 11 99999-0003", "wuid": "5511999990003",
        "organization": "Pombal", "email": "ana@example.com", "url": "https://example.com",
    });
    let several = json!({
        "number": TO, "contact": [shop, ana], "delay": 1200, "quoted": quoted(),
    });
    describe::<SendContactBody>(
        document,
        "sendContact",
        "Send contacts",
        &[
            ("one", json!({ "number": TO, "contact": [ana] })),
            ("several", several),
        ],
        &["contactMessage", "contactsArrayMessage"],
    );
    let key =
        json!({ "id": "wamid.1", "remoteJid": format!("{TO}@s.whatsapp.net"), "fromMe": false });
    describe::<SendReactionBody>(
        document,
        "sendReaction",
        "React to a message",
        &[
            ("an emoji", json!({ "key": key, "reaction": "🐦" })),
            ("taken back", json!({ "key": key, "reaction": "" })),
        ],
        &["reactionMessage"],
    );
}

fn choices(document: &mut Document) {
    let replies = json!({
        "number": TO, "title": "Shall we?", "description": "It is Friday.", "footer": "Pombal",
        "buttons": [
            { "type": "reply", "displayText": "Yes", "id": "yes" },
            { "type": "reply", "displayText": "No", "id": "no" },
        ],
        "delay": 1200,
        "quoted": quoted(),
    });
    let link = json!({
        "number": TO, "title": "Look", "thumbnailUrl": "https://media.example.com/pigeon.jpg",
        "buttons": [{ "type": "url", "displayText": "Open", "url": "https://example.com" }],
    });
    describe::<SendButtonsBody>(
        document,
        "sendButtons",
        "Send buttons",
        &[("replies", replies), ("a link", link)],
        &["buttonsMessage"],
    );
    let list = json!({
        "number": TO, "title": "Which?", "description": "Choose one.", "footerText": "Pombal",
        "buttonText": "Choose",
        "sections": [{
            "title": "Birds",
            "rows": [{ "title": "Pigeon", "description": "Grey", "rowId": "1" }],
        }],
        "delay": 1200,
        "quoted": quoted(),
    });
    describe::<SendListBody>(
        document,
        "sendList",
        "Send a list to choose from",
        &[("plain", list)],
        &["listMessage"],
    );
    let hello = json!({ "number": TO, "name": "hello_world", "language": "en_US" });
    let filled = json!({
        "number": TO, "name": "hello_world", "language": "en_US",
        "components": [{ "type": "body", "parameters": [{ "type": "text", "text": "Ana" }] }],
        "webhookUrl": "https://hooks.example.com/statuses", "delay": 1200, "quoted": quoted(),
    });
    describe::<SendTemplateBody>(
        document,
        "sendTemplate",
        "Send a template",
        &[("plain", hello), ("with everything", filled)],
        &["templateMessage"],
    );
}

fn describe<T: ToSchema>(
    document: &mut Document,
    route: &str,
    summary: &str,
    examples: &[(&str, Value)],
    kinds: &[&str],
) {
    let message = business(summary)
        .body::<T>(examples)
        .refuses(
            400,
            "It can't be sent so, or Meta refuses it.",
            not_yet(route),
        )
        .through_cloud()
        .answers_with_one_of::<SentMessage>(
            201,
            "The message, as Meta has taken it.",
            "messageType",
            kinds,
        );
    document.at([Post], &format!("/message/{route}/{{name}}"), message);
}

fn quoted() -> Value {
    json!({
        "key": { "id": "wamid.0", "fromMe": false, "participant": "5511999990002@s.whatsapp.net" },
        "message": { "conversation": "Are you there?" },
    })
}

fn not_yet(route: &str) -> Value {
    json!([format!(
        "{route} is not available for WHATSAPP-BAILEYS instances yet"
    )])
}
