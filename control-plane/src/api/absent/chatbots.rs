//! Chatbots (contract § 2.8): none is there, and each says so under its own name.

use axum::Json;

use crate::api::auth::Authorized;
use crate::api::body::Body;
use crate::api::error::ApiError;

/// The bots, as their paths begin, and as texts name them.
pub(in crate::api) const BOTS: [(&str, &str); 7] = [
    ("typebot", "Typebot"),
    ("openai", "Openai"),
    ("dify", "Dify"),
    ("flowise", "Flowise"),
    ("n8n", "N8n"),
    ("evoai", "Evoai"),
    ("evolutionBot", ALWAYS_ON),
];
/// The bot that the original can't switch off: there is none of it, then.
const ALWAYS_ON: &str = "EvolutionBot";

/// Refuses whatever is asked of the integration `name`. Key and body come first.
pub(in crate::api) async fn refuse(name: &'static str, _: Authorized, _: Body) -> ApiError {
    ApiError::bad_request(format!("{name} is disabled"))
}

/// `GET /{bot}/find/{name}`: all bots of a kind.
pub(in crate::api) async fn find_bots(
    name: &'static str,
    row: Authorized,
    body: Body,
) -> Result<Json<[(); 0]>, ApiError> {
    if name == ALWAYS_ON {
        return Ok(Json([]));
    }
    Err(refuse(name, row, body).await)
}
