//! What an account is: its name, its about text, its business, its settings, its number.

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::reply::{Reply, ok};
use crate::server::FakeWhatsApp;
use crate::world::api_social::ProfileChange;

#[derive(Deserialize)]
struct Number {
    to: String,
}

#[derive(Deserialize)]
struct Dirty {
    #[serde(rename = "type")]
    what: String,
}

/// Profiles of phones.
pub(super) fn routes() -> Router<FakeWhatsApp> {
    Router::new()
        .route("/api/contacts/{phone}/profile", post(profile))
        .route("/api/contacts/{phone}/reregister", post(reregister))
        .route("/api/contacts/{phone}/number", post(number))
        .route("/api/contacts/{phone}/sync", post(sync))
        .route("/api/contacts/{phone}/digest", post(digest))
        .route("/api/contacts/{phone}/dirty", post(dirty))
}

async fn profile(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
    Json(change): Json<ProfileChange>,
) -> Reply<Value> {
    server.change_profile(&phone, change).await?;
    Ok(ok())
}

async fn reregister(State(server): State<FakeWhatsApp>, Path(phone): Path<String>) -> Reply<Value> {
    let removed = server.reregister(&phone).await?;
    Ok(Json(json!({"ok": true, "removed": removed})))
}

async fn number(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
    Json(body): Json<Number>,
) -> Reply<Value> {
    server.change_number(&phone, &body.to).await?;
    Ok(ok())
}

async fn sync(State(server): State<FakeWhatsApp>, Path(phone): Path<String>) -> Reply<Value> {
    server.ask_contact_sync(&phone).await?;
    Ok(ok())
}

async fn digest(State(server): State<FakeWhatsApp>, Path(phone): Path<String>) -> Reply<Value> {
    server.ask_for_digest(&phone).await?;
    Ok(ok())
}

async fn dirty(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
    Json(body): Json<Dirty>,
) -> Reply<Value> {
    server.mark_dirty(&phone, &body.what).await?;
    Ok(ok())
}
