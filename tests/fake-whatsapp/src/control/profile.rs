//! Pictures and texts about phones, as people set them.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::reply::{Reply, ok};
use crate::keys::b64;
use crate::server::FakeWhatsApp;

#[derive(Deserialize)]
pub(super) struct Image {
    #[serde(rename = "base64", with = "b64")]
    bytes: Vec<u8>,
}

#[derive(Deserialize)]
pub(super) struct Text {
    text: String,
}

pub(super) async fn set_picture(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
    Json(body): Json<Image>,
) -> Reply<Value> {
    let id = server.set_picture(&phone, Some(&body.bytes)).await?;
    Ok(Json(json!({"id": id})))
}

pub(super) async fn remove_picture(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
) -> Reply<Value> {
    server.set_picture(&phone, None).await?;
    Ok(ok())
}

pub(super) async fn set_about(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
    Json(body): Json<Text>,
) -> Reply<Value> {
    server.set_about(&phone, &body.text).await?;
    Ok(ok())
}
