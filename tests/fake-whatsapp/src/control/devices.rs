//! Linked devices, and trouble for them.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::reply::{Reply, ok};
use crate::server::FakeWhatsApp;
use crate::world::api::{DeviceInfo, DropHow};
use crate::world::ending::{Ending, Trouble};
use crate::world::login::Refusal;

#[derive(Deserialize)]
pub(super) struct Cut {
    how: DropHow,
    code: Option<u16>,
}

#[derive(Deserialize)]
pub(super) struct End {
    phone: Option<String>,
    #[serde(flatten)]
    ending: Ending,
}

#[derive(Deserialize)]
pub(super) struct Absent {
    phone: String,
}

#[derive(Deserialize)]
pub(super) struct Silence {
    phone: String,
    on: bool,
}

pub(super) async fn list(State(server): State<FakeWhatsApp>) -> Json<Vec<DeviceInfo>> {
    Json(server.devices().await)
}

pub(super) async fn cut(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
    Json(body): Json<Cut>,
) -> Reply<Value> {
    let dropped = server.drop_sockets(&phone, body.how, body.code).await?;
    Ok(Json(json!({"ok": true, "dropped": dropped})))
}

pub(super) async fn logout(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
) -> Reply<Value> {
    let removed = server.logout(&phone).await?;
    Ok(Json(json!({"ok": true, "removed": removed})))
}

pub(super) async fn refuse(
    State(server): State<FakeWhatsApp>,
    Json(rule): Json<Refusal>,
) -> Json<Value> {
    server.refuse(rule).await;
    ok()
}

pub(super) async fn order(
    State(server): State<FakeWhatsApp>,
    Json(trouble): Json<Trouble>,
) -> Reply<Value> {
    server.order(trouble).await?;
    Ok(ok())
}

pub(super) async fn clear(State(server): State<FakeWhatsApp>) -> Json<Value> {
    server.clear_troubles().await;
    ok()
}

pub(super) async fn end(State(server): State<FakeWhatsApp>, Json(body): Json<End>) -> Reply<Value> {
    let ended = server.end(body.phone.as_deref(), &body.ending).await?;
    Ok(Json(json!({"ok": true, "ended": ended})))
}

pub(super) async fn absent(
    State(server): State<FakeWhatsApp>,
    Json(body): Json<Absent>,
) -> Reply<Value> {
    server.set_absent(&body.phone).await?;
    Ok(ok())
}

pub(super) async fn silence(
    State(server): State<FakeWhatsApp>,
    Json(body): Json<Silence>,
) -> Reply<Value> {
    server.silence(&body.phone, body.on).await?;
    Ok(ok())
}
