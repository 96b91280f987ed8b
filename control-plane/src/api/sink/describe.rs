//! The controllers of the other sinks, described.

use pombal_domain::EventName;
use serde_json::json;
use utoipa::ToSchema;

use super::row::SinkRow;
use crate::api::openapi::{Document, Get, Post, Put, instance};

/// A sink.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(in crate::api) struct SinkBody {
    enabled: bool,
    /// None of them means all.
    events: Option<Vec<EventName>>,
}

/// The sink under its name. The same fields without it are taken as well.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct SetWebsocketBody {
    websocket: SinkBody,
}

/// The sink under its name. The same fields without it are taken as well.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct SetSqsBody {
    sqs: SinkBody,
}

pub(in crate::api) fn describe(document: &mut Document) {
    document.chapter(
        "Sinks",
        "Other ways for events. What is set here is kept; the sinks themselves come later.",
    );
    let on = json!({ "enabled": true, "events": ["MESSAGES_UPSERT"] });
    let set = "Set which events this sink gets";
    document.at(
        [Post, Put],
        "/websocket/set/{name}",
        instance(set)
            .body::<SetWebsocketBody>(&[("under its name", json!({ "websocket": &on }))])
            .answers::<SinkRow>(201, "The row."),
    );
    document.at(
        [Post, Put],
        "/sqs/set/{name}",
        instance(set)
            .body::<SetSqsBody>(&[("under its name", json!({ "sqs": &on }))])
            .answers::<SinkRow>(201, "The row."),
    );
    for path in ["/websocket/find/{name}", "/sqs/find/{name}"] {
        let find = instance("Find which events this sink gets");
        let find = find.answers_or_null::<SinkRow>(200, "Null before the first set.");
        document.at([Get], path, find);
    }
}
