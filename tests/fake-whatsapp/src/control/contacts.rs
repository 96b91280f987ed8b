//! Simulated phones: making them, writing with them, reading them.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::reply::{Reply, ok};
use crate::server::FakeWhatsApp;
use crate::world::account::InboxItem;
use crate::world::api::ContactInfo;

#[derive(Deserialize)]
pub(super) struct NewContact {
    phone: String,
    name: String,
    echo: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct Text {
    to: String,
    text: String,
    id: Option<String>,
}

pub(super) async fn list(State(server): State<FakeWhatsApp>) -> Json<Vec<ContactInfo>> {
    Json(server.contacts().await)
}

pub(super) async fn add(
    State(server): State<FakeWhatsApp>,
    Json(body): Json<NewContact>,
) -> Reply<Value> {
    server
        .add_contact(&body.phone, &body.name, body.echo.unwrap_or(false))
        .await?;
    Ok(ok())
}

pub(super) async fn send(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
    Json(body): Json<Text>,
) -> Reply<Value> {
    let id = server
        .send_from_phone(&phone, &body.to, &body.text, body.id.as_deref())
        .await?;
    Ok(Json(json!({"id": id})))
}

pub(super) async fn inbox(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
) -> Reply<Vec<InboxItem>> {
    Ok(Json(server.inbox(&phone).await?))
}
