//! `GET /admin/connectors` and `POST /admin/connectors/{id}/drain`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use pombal_domain::{ConnectorId, ConnectorRow, Fleet, ShardId};
use pombal_store::registry;
use serde::Serialize;

use crate::api::auth::GlobalKey;
use crate::api::error::ApiError;
use crate::api::state::ApiState;

#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::api) struct Connectors {
    connectors: Vec<Connector>,
}

/// A connector, as it last described itself. One that has died stays in the list for a while:
/// whether a connector lives is seen only by who watches it for longer than a request takes.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct Connector {
    id: ConnectorId,
    /// It takes shards. One that does not drains, or can't serve for now.
    accepting: bool,
    drain_requested: bool,
    shards: Vec<ShardId>,
    /// Shards that it has asked for.
    waits_for: Vec<ShardId>,
    instances: u64,
    open: u64,
    /// ISO 8601.
    started_at: String,
    /// When it last renewed its lease, by its own clock. ISO 8601.
    renewed_at: String,
}

pub(in crate::api) async fn list(
    _: GlobalKey,
    State(state): State<ApiState>,
) -> Result<Json<Connectors>, ApiError> {
    let fleet = state.registry().fleet().await?;
    let connectors = fleet.connectors.iter();
    let connectors = connectors.map(|row| Connector::of(&fleet, row)).collect();
    Ok(Json(Connectors { connectors }))
}

impl Connector {
    fn of(fleet: &Fleet, row: &ConnectorRow) -> Self {
        let shards = fleet.shards.iter();
        let owned = shards.clone().filter(|shard| shard.owner == Some(row.id));
        let wanted = shards.filter(|shard| shard.wanted_by == Some(row.id));
        Self {
            id: row.id,
            accepting: row.accepting && !row.drain_requested,
            drain_requested: row.drain_requested,
            shards: owned.map(|shard| shard.shard).collect(),
            waits_for: wanted.map(|shard| shard.shard).collect(),
            instances: row.instances,
            open: row.open,
            started_at: row.started_at.iso8601(),
            renewed_at: row.renewed_at.iso8601(),
        }
    }
}

#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::api) struct Draining {
    status: &'static str,
    error: bool,
    connector: ConnectorId,
}

/// Asks a connector to give its shards away and to end. It sees that within a few seconds; the
/// service that runs it starts another one in its place, unless it is told not to.
pub(in crate::api) async fn drain(
    _: GlobalKey,
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Draining>), ApiError> {
    let unknown = || ApiError::not_found(format!("The \"{id}\" connector does not exist"));
    let connector: ConnectorId = id.parse().map_err(|_| unknown())?;
    match state.registry().ask_to_drain(connector).await {
        Ok(()) => {}
        Err(registry::Error::NotFound) => return Err(unknown()),
        Err(error) => return Err(error.into()),
    }
    let draining = Draining {
        status: "PENDING",
        error: false,
        connector,
    };
    Ok((StatusCode::ACCEPTED, Json(draining)))
}
