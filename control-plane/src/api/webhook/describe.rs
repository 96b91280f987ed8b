//! The webhook controller, described.

use std::collections::BTreeMap;

use pombal_domain::EventName;
use serde_json::json;
use utoipa::ToSchema;

use super::row::WebhookRow;
use crate::api::openapi::{Document, Get, Post, Put, instance};

/// Where events go. `webhookByEvents`, `webhook_by_events` and the like are taken as well.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
pub(in crate::api) struct WebhookBody {
    /// On, unless said otherwise. Needs a `url` then.
    enabled: Option<bool>,
    /// `http` or `https`. Private addresses only where the operator allows them.
    url: Option<String>,
    /// Sent along with each event. What is left out keeps its value, as with the two flags.
    headers: Option<BTreeMap<String, String>>,
    /// Put the event's name behind the URL.
    by_events: Option<bool>,
    /// Media in base64.
    base64: Option<bool>,
    /// None of them means all.
    events: Option<Vec<EventName>>,
}

/// The webhook under its name. The same fields without it are taken as well.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct SetWebhookBody {
    webhook: WebhookBody,
}

pub(in crate::api) fn describe(document: &mut Document) {
    document.chapter("Webhook", "Where an instance's events are delivered.");
    let all = json!({ "webhook": {
        "enabled": true,
        "url": "https://hooks.example.com/b1",
        "headers": { "authorization": "Bearer 1" },
        "byEvents": true,
        "base64": false,
        "events": ["MESSAGES_UPSERT", "MESSAGES_UPDATE", "CONNECTION_UPDATE"],
    } });
    document.at(
        [Post, Put],
        "/webhook/set/{name}",
        instance("Set the webhook")
            .body::<SetWebhookBody>(&[
                ("everything", all),
                (
                    "all events",
                    json!({ "webhook": { "url": "https://hooks.example.com/b1" } }),
                ),
                ("off", json!({ "webhook": { "enabled": false } })),
            ])
            .answers::<WebhookRow>(201, "The row. Its flags have other names than in the body."),
    );
    document.at(
        [Get],
        "/webhook/find/{name}",
        instance("Find the webhook")
            .answers_or_null::<WebhookRow>(200, "Null before the first set."),
    );
}
