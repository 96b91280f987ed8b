//! Calls from simulated phones.

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::reply::{Reply, ok};
use crate::server::FakeWhatsApp;
use crate::world::calls::{Call, EndReason};

#[derive(Deserialize)]
struct Dial {
    to: String,
    #[serde(default)]
    video: bool,
}

#[derive(Deserialize)]
struct End {
    reason: Option<EndReason>,
}

/// Calling, looking, hanging up.
pub(super) fn routes() -> Router<FakeWhatsApp> {
    Router::new()
        .route("/api/contacts/{phone}/call", post(call))
        .route("/api/calls", get(list))
        .route("/api/calls/{id}", get(look))
        .route("/api/calls/{id}/end", post(end))
}

async fn call(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
    Json(body): Json<Dial>,
) -> Reply<Value> {
    let id = server.call(&phone, &body.to, body.video).await?;
    Ok(Json(json!({"id": id})))
}

async fn list(State(server): State<FakeWhatsApp>) -> Json<Vec<Call>> {
    Json(server.calls().await)
}

async fn look(State(server): State<FakeWhatsApp>, Path(id): Path<String>) -> Reply<Call> {
    Ok(Json(server.call_state(&id).await?))
}

async fn end(
    State(server): State<FakeWhatsApp>,
    Path(id): Path<String>,
    Json(body): Json<End>,
) -> Reply<Value> {
    server.end_call(&id, body.reason).await?;
    Ok(ok())
}
