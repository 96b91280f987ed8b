//! The routes of Meta's Cloud API: only instances of `WHATSAPP-BUSINESS` have them.

use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Delete, Document, Get, Operation, Post, instance, public};

/// A message. What else it has is in the example.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct CloudMessageBody {
    /// Digits in international form. A reaction has it in `key` instead.
    number: Option<String>,
}

/// A template, or a change of one. What else it has is in the example.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct TemplateBody {
    name: Option<String>,
}

/// What Meta says, or what was sent.
#[derive(ToSchema)]
struct CloudReply {}

pub(super) fn describe(document: &mut Document) {
    document.chapter(
        "Cloud API",
        "For instances of the integration `WHATSAPP-BUSINESS`. Others are answered 400.",
    );
    for (route, summary, body) in messages() {
        let message = on_business(instance(summary))
            .body::<CloudMessageBody>(&[("plain", body)])
            .refuses(400, "It can't be sent so.", not_yet(route))
            .answers::<CloudReply>(201, "The message, as Meta has taken it.");
        document.at([Post], &format!("/message/{route}/{{name}}"), message);
    }
    for route in ["sendPtv", "sendSticker", "sendStatus", "sendPoll"] {
        let no = instance("Refused").refuses(400, "Nobody can send it yet.", not_yet(route));
        document.at([Post], &format!("/message/{route}/{{name}}"), no);
    }
    templates(document);
    webhook(document);
}

fn messages() -> [(&'static str, &'static str, Value); 8] {
    let to = "5511999990002";
    let picture = "https://media.example.com/pigeon.jpg";
    [
        (
            "sendMedia",
            "Send an image, a document, a video or an audio",
            json!({ "number": to, "mediatype": "image", "media": picture, "caption": "Oi!" }),
        ),
        (
            "sendWhatsAppAudio",
            "Send a voice message",
            json!({ "number": to, "audio": "https://media.example.com/coo.ogg" }),
        ),
        (
            "sendLocation",
            "Send a place",
            json!({
                "number": to, "name": "Pombal", "address": "Pombal, Portugal",
                "latitude": 39.9161, "longitude": -8.6281,
            }),
        ),
        (
            "sendContact",
            "Send contacts",
            json!({ "number": to, "contact": [{ "fullName": "Ana", "phoneNumber": "5511999990003" }] }),
        ),
        (
            "sendReaction",
            "React to a message",
            json!({
                "key": { "id": "wamid.1", "remoteJid": "5511999990002@s.whatsapp.net", "fromMe": false },
                "reaction": "🐦",
            }),
        ),
        (
            "sendButtons",
            "Send buttons",
            json!({
                "number": to, "title": "Shall we?",
                "buttons": [{ "type": "reply", "displayText": "Yes", "id": "yes" }],
            }),
        ),
        (
            "sendList",
            "Send a list to choose from",
            json!({
                "number": to, "title": "Which?", "footerText": "Pombal", "buttonText": "Choose",
                "sections": [{ "title": "Birds", "rows": [{ "title": "Pigeon", "rowId": "1" }] }],
            }),
        ),
        (
            "sendTemplate",
            "Send a template",
            json!({ "number": to, "name": "hello_world", "language": "en_US" }),
        ),
    ]
}

fn templates(document: &mut Document) {
    let components = json!([{ "type": "BODY", "text": "Oi!" }]);
    let made = json!({
        "name": "hello", "category": "UTILITY", "language": "pt_BR", "components": &components,
    });
    let routes = [
        ("create", 201, "Make a template", made),
        (
            "edit",
            200,
            "Change a template",
            json!({ "templateId": "1", "components": &components }),
        ),
    ];
    for (route, status, summary, body) in routes {
        let operation = on_business(instance(summary))
            .body::<TemplateBody>(&[("plain", body)])
            .answers::<CloudReply>(status, "What Meta says.");
        document.at(
            [Post],
            &format!("/template/{route}/{{name}}"),
            refused(operation),
        );
    }
    let find = on_business(instance("List templates"));
    let find = find.answers_list::<CloudReply>(200, "As Meta lists them.");
    document.at([Get], "/template/find/{name}", refused(find));
    let delete = on_business(instance("Delete a template"))
        .body::<TemplateBody>(&[("by name", json!({ "name": "hello" }))])
        .answers::<CloudReply>(200, "What Meta says.");
    document.at([Delete], "/template/delete/{name}", refused(delete));
}

fn webhook(document: &mut Document) {
    let none = json!(["Method not available on WhatsApp Business API"]);
    document.at(
        [Get],
        "/webhook/meta",
        public("Answer Meta's challenge")
            .query(
                "hub.verify_token",
                "As the operator has set it.",
                json!("token"),
            )
            .query("hub.challenge", "What is answered.", json!("1"))
            .refuses(400, "There is no Cloud API here.", none.clone())
            .refuses(
                403,
                "Another token.",
                json!(["Error, wrong validation token"]),
            )
            .answers_raw(200, "text/plain", "The challenge."),
    );
    document.at(
        [Post],
        "/webhook/meta",
        public("Take Meta's events")
            .about("Signed in `X-Hub-Signature-256`, if the operator has set the secret.")
            .refuses(400, "There is no Cloud API here.", none)
            .refuses(401, "Not signed by Meta.", json!("Unauthorized"))
            .refuses(
                413,
                "Too large.",
                json!(["request body is larger than 4194304 bytes"]),
            )
            .answers::<CloudReply>(200, "All of it is kept."),
    );
}

fn on_business(operation: Operation) -> Operation {
    operation
        .refuses(
            502,
            "Meta can't be reached.",
            json!(["The Graph API can't be reached"]),
        )
        .refuses(
            504,
            "Meta did not answer.",
            json!(["The Graph API did not answer: it may have done what was asked"]),
        )
}

fn refused(operation: Operation) -> Operation {
    let message = json!(["Method not available in the Baileys service"]);
    operation.refuses(
        400,
        "Meta refuses it, or it is no instance of the Cloud API.",
        message,
    )
}

fn not_yet(route: &str) -> Value {
    json!([format!(
        "{route} is not available for WHATSAPP-BAILEYS instances yet"
    )])
}
