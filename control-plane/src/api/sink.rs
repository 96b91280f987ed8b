//! The controllers of the sinks beside the webhook (contract § 2.3): websocket and sqs.

mod describe;
mod input;
mod row;

pub(super) use describe::{SinkBody, describe};
pub(super) use input::SinkInput;
pub(super) use row::SinkRow;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use pombal_domain::SinkKind;
use pombal_domain::time::UnixMs;

use super::auth::Authorized;
use super::body::Body;
use super::error::{ApiError, gone};
use super::state::ApiState;

/// `POST /websocket/set/{name}`.
pub(super) async fn set_websocket(
    state: State<ApiState>,
    row: Authorized,
    body: Body,
) -> Result<(StatusCode, Json<SinkRow>), ApiError> {
    set(SinkKind::Websocket, state, row, body).await
}

/// `GET /websocket/find/{name}`: the row, or `null` before the first set.
pub(super) async fn find_websocket(row: Authorized) -> Json<Option<SinkRow>> {
    find(SinkKind::Websocket, row)
}

/// `POST /sqs/set/{name}`.
pub(super) async fn set_sqs(
    state: State<ApiState>,
    row: Authorized,
    body: Body,
) -> Result<(StatusCode, Json<SinkRow>), ApiError> {
    set(SinkKind::Sqs, state, row, body).await
}

/// `GET /sqs/find/{name}`: the row, or `null` before the first set.
pub(super) async fn find_sqs(row: Authorized) -> Json<Option<SinkRow>> {
    find(SinkKind::Sqs, row)
}

async fn set(
    kind: SinkKind,
    State(state): State<ApiState>,
    Authorized(row): Authorized,
    Body(body): Body,
) -> Result<(StatusCode, Json<SinkRow>), ApiError> {
    let config = SinkInput::from_set(kind, &body)?.merge(row.sink(kind), UnixMs::now());
    state
        .registry()
        .set_sink(&row.name, row.id, kind, &config)
        .await
        .map_err(|error| gone(error, &row.name))?;
    Ok((StatusCode::CREATED, Json(SinkRow::new(row.id, config))))
}

fn find(kind: SinkKind, Authorized(row): Authorized) -> Json<Option<SinkRow>> {
    Json(
        row.sink(kind)
            .map(|config| SinkRow::new(row.id, config.clone())),
    )
}
