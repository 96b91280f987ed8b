//! Files: what phones send and keep, and trouble on the media host.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::reply::{Failure, Reply, ok};
use crate::phone::media::Media;
use crate::server::FakeWhatsApp;

const UNKNOWN_TYPE: &str = "application/octet-stream";

#[derive(Deserialize)]
pub(super) struct SendMedia {
    to: String,
    id: Option<String>,
    #[serde(flatten)]
    media: Media,
}

#[derive(Deserialize)]
pub(super) struct Forget {
    direct_path: String,
}

pub(super) async fn send(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
    Json(body): Json<SendMedia>,
) -> Reply<Value> {
    let id = server
        .send_media_from_phone(&phone, &body.to, &body.media, body.id.as_deref())
        .await?;
    Ok(Json(json!({"id": id})))
}

/// The plain bytes of a message's file.
pub(super) async fn kept(
    State(server): State<FakeWhatsApp>,
    Path((phone, id)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let (about, bytes) = server.file(&phone, &id).await?;
    let mimetype = about.mimetype.unwrap_or_else(|| UNKNOWN_TYPE.to_owned());
    Ok(([(CONTENT_TYPE, mimetype)], bytes).into_response())
}

pub(super) async fn expire_auth(State(server): State<FakeWhatsApp>) -> Json<Value> {
    server.expire_media_auth().await;
    ok()
}

pub(super) async fn forget(
    State(server): State<FakeWhatsApp>,
    Json(body): Json<Forget>,
) -> Reply<Value> {
    server.forget_media(&body.direct_path).await?;
    Ok(ok())
}
