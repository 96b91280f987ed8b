//! `DELETE /instance/delete/{name}`: the row and its data key are gone at once.

use axum::Json;
use axum::extract::State;
use pombal_domain::Instance;

use super::Outcome;
use crate::api::auth::Authorized;
use crate::api::error::{ApiError, gone};
use crate::api::state::ApiState;
use crate::api::{commands, lifecycle};

pub(in crate::api) async fn delete(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
) -> Result<Json<Outcome>, ApiError> {
    let deleted = state.registry().delete_instance(&row).await;
    let shard = deleted.map_err(|error| gone(error, &row.name))?;
    lifecycle::tell_deleted(state.options().events.as_ref(), &row).await;
    if row.business.is_some() {
        return Ok(Json(Outcome::success("Instance deleted")));
    }
    // It may have changed shards since the row was read.
    let row = Instance { shard, ..row };
    // It is deleted whatever the owner says: waiting only lets the socket close first.
    if let Some(command) = commands::nudge(&state, &row, true).await
        && commands::is_anybody_there(&state).await
    {
        let wait = state.options().delete_wait;
        if let Err(error) = commands::reply(&state, command, wait).await {
            error.log("reply to the deletion not read");
        }
    }
    Ok(Json(Outcome::success("Instance deleted")))
}
