//! The operators' routes, described.

use serde_json::json;
use utoipa::ToSchema;

use super::connectors::{Connectors, Draining};
use super::instances::{Moving, Whereabouts};
use super::shards::Shards;
use crate::api::openapi::{Document, Get, Post, global};

/// Where to.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct MoveBody {
    shard: u16,
}

pub(in crate::api) fn describe(document: &mut Document) {
    document.chapter("Operation", "What operators see of the fleet, and tell it.");
    document.at(
        [Get],
        "/admin/shards",
        global("Who owns which shard").answers::<Shards>(200, "Every shard."),
    );
    document.at(
        [Get],
        "/admin/connectors",
        global("The connectors").answers::<Connectors>(200, "As they last described themselves."),
    );
    document.at(
        [Post],
        "/admin/connectors/{id}/drain",
        global("Have a connector give its shards away, and end")
            .refuses(
                404,
                "There is no such connector.",
                json!(["The \"0f8fad5b-d9cb-469f-a165-70867728950e\" connector does not exist"]),
            )
            .answers::<Draining>(202, "It will see that within a few seconds."),
    );
    document.at(
        [Get],
        "/admin/instances/{name}",
        global("Where an instance is")
            .with_instance()
            .answers::<Whereabouts>(200, "Its shard."),
    );
    document.at(
        [Post],
        "/admin/instances/{name}/move",
        global("Move an instance to another shard")
            .with_instance()
            .body::<MoveBody>(&[("to shard 1", json!({ "shard": 1 }))])
            .answers::<Moving>(202, "It takes a second or two as a rule."),
    );
}
