//! The message controller, described.

mod bodies;
mod cloud;

pub(in crate::api) use cloud::describe_cloud;

use pombal_domain::event::MessageData;
use serde_json::json;
use utoipa::ToSchema;

use crate::api::openapi::{Document, Post, instance};

/// A text. Version 1 of the contract has `textMessage.text`, and what is optional in `options`:
/// both are taken.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
struct SendTextBody {
    /// Digits in international form, or a JID.
    number: String,
    text: String,
    /// How long to seem to write before it is sent, in milliseconds.
    delay: Option<u32>,
    quoted: Option<QuotedBody>,
    /// JIDs or numbers that the text mentions.
    mentioned: Option<Vec<String>>,
    /// Show a link with a preview: as it is by default, and only through the Cloud API.
    link_preview: Option<bool>,
}

/// The message that is answered.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct QuotedBody {
    key: QuotedKey,
    /// Its content, to be shown above the answer.
    message: Option<serde_json::Value>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
struct QuotedKey {
    id: String,
    from_me: Option<bool>,
    /// Who wrote it, in groups.
    participant: Option<String>,
}

pub(in crate::api) fn describe(document: &mut Document) {
    document.chapter("Messages", "Sent by an instance that is connected.");
    let all = json!({
        "number": "5511999990002",
        "text": "Oi @5511999990003!",
        "delay": 1200,
        "quoted": {
            "key": { "id": "3EB0C767D097B7C7", "fromMe": false, "participant": "5511999990003@s.whatsapp.net" },
            "message": { "conversation": "Are you there?" },
        },
        "mentioned": ["5511999990003"],
        "linkPreview": false,
    });
    document.at(
        [Post],
        "/message/sendText/{name}",
        instance("Send a text")
            .about(
                "It is durable before this is answered. A status of `PENDING` says that WhatsApp \
                 has not confirmed it yet: `messages.update` tells what becomes of it. Instances of \
                 `WHATSAPP-BUSINESS` send it through the Cloud API, and answer as the routes of that \
                 chapter do.",
            )
            .body::<SendTextBody>(&[
                ("plain", json!({ "number": "5511999990002", "text": "Oi!" })),
                ("an answer with a mention", all),
            ])
            .through_cloud()
            .answers::<MessageData>(201, "The message, with the key that it has for good."),
    );
}
