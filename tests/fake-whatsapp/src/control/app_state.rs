//! App state: what a phone changes, and what all devices agree on.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::reply::{Reply, ok};
use crate::app_state::change::Change;
use crate::server::FakeWhatsApp;

#[derive(Deserialize)]
pub(super) struct Rotation {
    share: bool,
}

pub(super) async fn view(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
) -> Reply<Value> {
    Ok(Json(server.app_state(&phone).await?))
}

pub(super) async fn change(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
    Json(change): Json<Change>,
) -> Reply<Value> {
    let version = server.change_on_phone(&phone, &change).await?;
    Ok(Json(json!({"version": version})))
}

pub(super) async fn rotate_key(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
    Json(body): Json<Rotation>,
) -> Reply<Value> {
    server.rotate_app_state_key(&phone, body.share).await?;
    Ok(ok())
}
