//! Meta's webhook, described.
//!
//! <https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components>

use serde_json::{Value, json};
use utoipa::ToSchema;

use super::WebhookTaken;
use crate::api::openapi::{Document, Get, Post, public};

/// What Meta posts. There may be more; what is not understood is left out, and no error.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct MetaWebhook {
    /// `whatsapp_business_account`.
    object: String,
    entry: Vec<MetaEntry>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct MetaEntry {
    /// The id of the account.
    id: String,
    /// When it was, in seconds since the Unix epoch.
    time: Option<u64>,
    changes: Vec<MetaChange>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct MetaChange {
    /// What kind it is: `messages`, `smb_message_echoes` and `message_template_status_update` are
    /// understood.
    field: String,
    value: MetaValue,
}

/// News of one number. A change of another kind has other fields.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct MetaValue {
    metadata: Option<MetaNumber>,
    /// Who has written.
    contacts: Option<Vec<MetaContact>>,
    /// What was received.
    messages: Option<Vec<MetaMessage>>,
    /// How far messages got that were sent.
    statuses: Option<Vec<MetaStatus>>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct MetaNumber {
    display_phone_number: Option<String>,
    /// The `number` of the instance.
    phone_number_id: String,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct MetaContact {
    wa_id: String,
    profile: Option<MetaProfile>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct MetaProfile {
    name: String,
}

/// A message. Its content is in a field that is called by its `type`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct MetaMessage {
    id: String,
    from: String,
    /// Seconds since the Unix epoch, as a text.
    timestamp: String,
    r#type: String,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct MetaStatus {
    /// The id of the message.
    id: String,
    recipient_id: String,
    /// `sent`, `delivered`, `read` or `failed`.
    status: String,
    timestamp: String,
}

pub(in crate::api) fn describe(document: &mut Document) {
    let none = json!(["Method not available on WhatsApp Business API"]);
    document.at(
        [Get],
        "/webhook/meta",
        public("Answer Meta's challenge")
            .query(
                "hub.verify_token",
                "As the operator has set it.",
                json!("verify-token-of-the-examples"),
            )
            .query("hub.challenge", "What is answered.", json!("1"))
            .refuses_as("NoCloud", 400, "There is no Cloud API here.", none.clone())
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
            .about(
                "All of it is in the events queue before this is answered; otherwise Meta sends it \
                 again, and nothing comes twice. What is not understood is taken, too: it would be \
                 no better the next time.",
            )
            .header(
                "X-Hub-Signature-256",
                "`sha256=` and the HMAC of the body in hex, under the app's secret. Wanted if the \
                 operator has set that.",
            )
            .body::<MetaWebhook>(&[("a text", received()), ("a status", reached())])
            .refuses_as("NoCloud", 400, "There is no Cloud API here.", none)
            .refuses(401, "Not signed by Meta.", json!("Unauthorized"))
            .refuses(
                413,
                "Too large.",
                json!(["request body is larger than 4194304 bytes"]),
            )
            .answers::<WebhookTaken>(200, "All of it is kept."),
    );
}

fn received() -> Value {
    change(&json!({
        "contacts": [{ "wa_id": "5511999990002", "profile": { "name": "Ana" } }],
        "messages": [{
            "id": "wamid.1", "from": "5511999990002", "timestamp": "1795182896", "type": "text",
            "text": { "body": "Oi!" },
        }],
    }))
}

fn reached() -> Value {
    change(&json!({
        "statuses": [{
            "id": "wamid.2", "recipient_id": "5511999990002", "status": "delivered",
            "timestamp": "1795182896",
        }],
    }))
}

fn change(news: &Value) -> Value {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": "15550001111", "phone_number_id": "106540352242922",
        },
    });
    for (name, news) in news.as_object().into_iter().flatten() {
        value[name] = news.clone();
    }
    json!({
        "object": "whatsapp_business_account",
        "entry": [{
            "id": "102290129340398",
            "time": 1_795_182_896,
            "changes": [{ "field": "messages", "value": value }],
        }],
    })
}
