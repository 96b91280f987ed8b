//! What a person does on a phone beside writing: being there, typing, saving and blocking.

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::reply::{Reply, ok};
use crate::server::FakeWhatsApp;
use crate::world::chatstate::Typing;
use crate::world::notices::Notice;

#[derive(Deserialize)]
struct Available {
    available: bool,
}

#[derive(Deserialize)]
struct To {
    to: String,
}

#[derive(Deserialize)]
struct Types {
    to: String,
    state: Typing,
}

#[derive(Deserialize)]
struct Status {
    viewers: Vec<String>,
    text: String,
}

#[derive(Deserialize)]
struct Contact {
    contact: String,
    on: bool,
}

/// Presence, typing, the address book and the block list of phones.
pub(super) fn routes() -> Router<FakeWhatsApp> {
    Router::new()
        .route("/api/contacts/{phone}/presence", post(presence))
        .route("/api/contacts/{phone}/subscribe", post(subscribe))
        .route("/api/contacts/{phone}/typing", post(typing))
        .route("/api/contacts/{phone}/status", post(status))
        .route("/api/contacts/{phone}/notices", get(notices))
        .route("/api/contacts/{phone}/save", post(save))
        .route("/api/contacts/{phone}/block", post(block))
        .route("/api/contacts/{phone}/trust", post(trust))
}

async fn presence(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
    Json(body): Json<Available>,
) -> Reply<Value> {
    server.set_presence(&phone, body.available).await?;
    Ok(ok())
}

async fn subscribe(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
    Json(body): Json<To>,
) -> Reply<Value> {
    server.subscribe_presence(&phone, &body.to).await?;
    Ok(ok())
}

async fn typing(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
    Json(body): Json<Types>,
) -> Reply<Value> {
    server.type_from_phone(&phone, &body.to, body.state).await?;
    Ok(ok())
}

async fn status(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
    Json(body): Json<Status>,
) -> Reply<Value> {
    let viewers: Vec<&str> = body.viewers.iter().map(String::as_str).collect();
    let id = server.post_status(&phone, &viewers, &body.text).await?;
    Ok(Json(json!({"id": id})))
}

async fn notices(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
) -> Reply<Vec<Notice>> {
    Ok(Json(server.notices(&phone).await?))
}

async fn save(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
    Json(body): Json<Contact>,
) -> Reply<Value> {
    server.save_contact(&phone, &body.contact, body.on).await?;
    Ok(ok())
}

async fn block(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
    Json(body): Json<Contact>,
) -> Reply<Value> {
    server.block(&phone, &body.contact, body.on).await?;
    Ok(ok())
}

async fn trust(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
    Json(body): Json<To>,
) -> Reply<Value> {
    server.trust(&phone, &body.to).await?;
    Ok(ok())
}
