//! `GET|POST /webhook/meta`: Meta's webhooks of the Cloud API.

mod describe;
mod read;

pub(super) use describe::describe;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::ApiError;
use super::state::ApiState;
use crate::business::Cloud;

/// Largest webhook in bytes. Meta's have up to 3 MB:
/// <https://developers.facebook.com/docs/whatsapp/cloud-api/guides/set-up-webhooks>
pub(super) const MAX_WEBHOOK_BYTES: usize = 4 * 1024 * 1024;

/// What Meta asks with, once, when the webhook is set up.
#[derive(Default, Deserialize)]
pub(super) struct Verification {
    #[serde(rename = "hub.verify_token")]
    token: Option<String>,
    #[serde(rename = "hub.challenge")]
    challenge: Option<String>,
}

/// All of a webhook is kept.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct WebhookTaken {
    /// `success`.
    status: &'static str,
}

/// Answers the challenge to who knows the verify token.
pub(super) async fn verify(
    State(state): State<ApiState>,
    query: Result<Query<Verification>, QueryRejection>,
) -> Result<String, ApiError> {
    let asked = query.map(|Query(query)| query).unwrap_or_default();
    let token = asked.token.unwrap_or_default();
    if !cloud(&state)?.verifies(&token) {
        return Err(ApiError::forbidden("Error, wrong validation token"));
    }
    Ok(asked.challenge.unwrap_or_default())
}

/// Takes a webhook. 200 only when all of it is in the events queue; else Meta sends it again.
pub(super) async fn receive(
    State(state): State<ApiState>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<WebhookTaken>, ApiError> {
    let body = body.map_err(|_| ApiError::too_large(MAX_WEBHOOK_BYTES))?;
    let signature = headers
        .get("x-hub-signature-256")
        .and_then(|value| value.to_str().ok());
    let cloud = cloud(&state)?;
    if !cloud.is_signed(signature, &body) {
        tracing::warn!("webhook without Meta's signature refused");
        return Err(ApiError::unauthorized());
    }
    let webhook = read::read(&body).unwrap_or_else(|error| {
        // It would be no better the next time: Meta must not send it again.
        tracing::error!(%error, body.bytes = body.len(), "webhook that can't be read left out");
        Value::Null
    });
    cloud.receive(&webhook).await?;
    Ok(Json(WebhookTaken { status: "success" }))
}

/// The channel; without one there is no webhook to set up.
fn cloud(state: &ApiState) -> Result<&Cloud, ApiError> {
    let cloud = state.options().cloud.as_ref();
    cloud.ok_or_else(ApiError::not_on_business)
}
