//! Looking at the server, and its knobs.

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::Config;
use crate::control::reply::{Failure, Reply};
use crate::error::Error;
use crate::seen::{SeenPage, Violation};
use crate::server::FakeWhatsApp;

#[derive(Deserialize)]
pub(super) struct SeenQuery {
    phone: Option<String>,
    kind: Option<String>,
    after: Option<u64>,
}

pub(super) async fn health() -> Json<Value> {
    super::reply::ok()
}

/// The root of the server's Noise certificates, in hex.
pub(super) async fn noise_root(State(server): State<FakeWhatsApp>) -> Json<Value> {
    let hex: String = server
        .noise_root()
        .map(|byte| format!("{byte:02x}"))
        .concat();
    Json(json!({ "key": hex }))
}

pub(super) async fn seen(
    State(server): State<FakeWhatsApp>,
    Query(query): Query<SeenQuery>,
) -> Json<SeenPage> {
    let filled = |value: Option<String>| value.filter(|value| !value.is_empty());
    let (phone, kind) = (filled(query.phone), filled(query.kind));
    Json(
        server
            .seen(phone.as_deref(), kind.as_deref(), query.after.unwrap_or(0))
            .await,
    )
}

pub(super) async fn violations(State(server): State<FakeWhatsApp>) -> Json<Vec<Violation>> {
    Json(server.violations().await)
}

pub(super) async fn config(State(server): State<FakeWhatsApp>) -> Json<Config> {
    Json(server.config().await)
}

/// Fields that are absent keep their value.
pub(super) async fn set_config(
    State(server): State<FakeWhatsApp>,
    Json(changes): Json<serde_json::Map<String, Value>>,
) -> Reply<Config> {
    let bad = |error: serde_json::Error| Failure::from(Error::BadRequest(error.to_string()));
    let mut merged = json!(server.config().await);
    for (name, value) in changes {
        merged[name] = value;
    }
    let config: Config = serde_json::from_value(merged).map_err(bad)?;
    server.set_config(config.clone()).await;
    Ok(Json(config))
}
