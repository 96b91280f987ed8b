//! The webhook controller (contract § 2.3).

mod describe;
mod input;
mod merge;
mod row;

pub(super) use describe::{WebhookBody, describe};
pub(super) use input::WebhookInput;
pub(super) use row::WebhookRow;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use pombal_domain::time::UnixMs;

use super::auth::Authorized;
use super::body::Body;
use super::error::{ApiError, gone};
use super::state::ApiState;

/// `POST /webhook/set/{name}`.
pub(super) async fn set(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
    Body(body): Body,
) -> Result<(StatusCode, Json<WebhookRow>), ApiError> {
    let input = WebhookInput::from_set(&body)?;
    let config = input.merge(row.webhook.as_ref(), state.egress(), UnixMs::now())?;
    state
        .registry()
        .set_webhook(&row.name, row.id, &config)
        .await
        .map_err(|error| gone(error, &row.name))?;
    Ok((StatusCode::CREATED, Json(WebhookRow::new(row.id, config))))
}

/// `GET /webhook/find/{name}`: the row, or `null` before the first set.
pub(super) async fn find(Authorized(row): Authorized) -> Json<Option<WebhookRow>> {
    let id = row.id;
    Json(row.webhook.map(|config| WebhookRow::new(id, config)))
}
