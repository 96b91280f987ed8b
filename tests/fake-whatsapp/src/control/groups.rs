//! Groups: making them, changing them with a phone, looking at them.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::reply::{Failure, Reply};
use crate::error::Error;
use crate::groups::info::GroupInfo;
use crate::groups::order::{GroupOrder, GroupPlan, GroupReply};
use crate::server::FakeWhatsApp;

/// Who does it, and what the action needs.
#[derive(Deserialize)]
pub(super) struct Action {
    actor: String,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

pub(super) async fn list(State(server): State<FakeWhatsApp>) -> Json<Vec<GroupInfo>> {
    Json(server.groups().await)
}

pub(super) async fn create(
    State(server): State<FakeWhatsApp>,
    Json(plan): Json<GroupPlan>,
) -> Reply<GroupReply> {
    Ok(Json(server.create_group(plan).await?))
}

/// The action is in the path, what it needs in the body.
pub(super) async fn act(
    State(server): State<FakeWhatsApp>,
    Path((group, action)): Path<(String, String)>,
    Json(mut body): Json<Action>,
) -> Reply<GroupReply> {
    body.rest.insert("action".to_owned(), Value::String(action));
    let order: GroupOrder = serde_json::from_value(Value::Object(body.rest))
        .map_err(|error| Failure::from(Error::BadRequest(error.to_string())))?;
    Ok(Json(server.change_group(&body.actor, &group, order).await?))
}
