//! Chats from before.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::Value;

use super::reply::{Reply, ok};
use crate::server::FakeWhatsApp;

#[derive(Deserialize)]
pub(super) struct Seed {
    chats: usize,
    messages: usize,
}

pub(super) async fn seed(
    State(server): State<FakeWhatsApp>,
    Path(phone): Path<String>,
    Json(body): Json<Seed>,
) -> Reply<Value> {
    server
        .seed_history(&phone, body.chats, body.messages)
        .await?;
    Ok(ok())
}
