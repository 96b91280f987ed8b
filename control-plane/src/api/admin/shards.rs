//! `GET /admin/shards`: who owns what.

use axum::Json;
use axum::extract::State;
use futures::future::try_join_all;
use pombal_domain::{ConnectorId, Epoch, ShardId, ShardRow};
use serde::Serialize;

use crate::api::auth::GlobalKey;
use crate::api::error::ApiError;
use crate::api::state::ApiState;

#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::api) struct Shards {
    shards: Vec<Shard>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct Shard {
    shard: ShardId,
    /// None: it was released, or nobody has ever owned it.
    owner: Option<ConnectorId>,
    /// How often it has changed owners.
    epoch: Epoch,
    /// Since when, by the clock of who changed it. ISO 8601. None: since ever.
    since: Option<String>,
    /// Who has asked for it.
    wanted_by: Option<ConnectorId>,
    /// Instances that live on it.
    instances: usize,
}

pub(in crate::api) async fn list(
    _: GlobalKey,
    State(state): State<ApiState>,
) -> Result<Json<Shards>, ApiError> {
    let fleet = state.registry().fleet().await?;
    let shards = state.shards().map(|shard| {
        let (row, registry) = (fleet.shard(shard), state.registry());
        async move { Ok::<_, ApiError>(Shard::of(row, registry.count_shard(shard).await?)) }
    });
    let shards = try_join_all(shards).await?;
    Ok(Json(Shards { shards }))
}

impl Shard {
    fn of(row: ShardRow, instances: usize) -> Self {
        Self {
            shard: row.shard,
            owner: row.owner,
            epoch: row.epoch,
            since: (row.epoch != Epoch(0)).then(|| row.since.iso8601()),
            wanted_by: row.wanted_by,
            instances,
        }
    }
}
