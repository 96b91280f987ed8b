//! `POST|PUT /instance/restart/{name}`: a new socket for a live instance.

use axum::Json;
use axum::extract::State;
use pombal_domain::{ConnectionState, Desired, Op, Reply};

use super::connect;
use super::pairing::{self, ConnectReply};
use crate::api::auth::Authorized;
use crate::api::commands::{self, Poll};
use crate::api::error::{ApiError, gone};
use crate::api::state::ApiState;

pub(in crate::api) async fn restart(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
) -> Result<Json<ConnectReply>, ApiError> {
    if row.business.is_some() || row.observed.state == ConnectionState::Close {
        return connect::open(&state, row, None).await.map(Json);
    }
    let wait = state.options().connect_wait;
    let poll = Poll::new(wait);
    let row = state
        .registry()
        .set_desired(&row.name, row.id, Desired::Connected, None)
        .await
        .map_err(|error| gone(error, &row.name))?;
    let command = commands::send(&state, &row, Op::Restart, true, wait).await?;
    if let Some(Reply::Failed { message }) = commands::reply(&state, command, wait).await? {
        return Err(ApiError::bad_request(message));
    }
    let (row, progress) = pairing::wait_for_progress(&state, row, poll.remaining()).await?;
    pairing::reply(&row, progress).map(Json)
}
