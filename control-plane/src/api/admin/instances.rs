//! `GET /admin/instances/{name}` and `POST /admin/instances/{name}/move`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use pombal_domain::{Instance, InstanceName, ShardId};
use pombal_store::registry;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::api::auth::GlobalKey;
use crate::api::body::Body;
use crate::api::commands;
use crate::api::error::{ApiError, gone};
use crate::api::fields::Fields;
use crate::api::state::ApiState;

/// Where an instance is.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct Whereabouts {
    instance: InstanceName,
    shard: ShardId,
    /// The shard that it is to live on.
    moving_to: Option<ShardId>,
    /// It lives on its shard, but its session is not there yet.
    arriving: bool,
}

pub(in crate::api) async fn whereabouts(
    _: GlobalKey,
    State(state): State<ApiState>,
    Path(name): Path<String>,
) -> Result<Json<Whereabouts>, ApiError> {
    let row = instance(&state, &name).await?;
    Ok(Json(Whereabouts {
        instance: row.name,
        shard: row.shard,
        moving_to: row.transit.to,
        arriving: row.transit.arriving.is_some(),
    }))
}

#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::api) struct Moving {
    status: &'static str,
    error: bool,
    instance: InstanceName,
    shard: ShardId,
}

/// Asks the owner of an instance's shard to hand it over to another one. It takes a second or
/// two as a rule, and is done when the instance lives there.
pub(in crate::api) async fn relocate(
    _: GlobalKey,
    State(state): State<ApiState>,
    Path(name): Path<String>,
    Body(body): Body,
) -> Result<(StatusCode, Json<Moving>), ApiError> {
    let row = instance(&state, &name).await?;
    let shard = target(&state, &body)?;
    if row.business.is_some() {
        return Err(ApiError::not_on_business());
    }
    let asked = state.registry().ask_to_move(&row.name, row.id, shard).await;
    let row = asked.map_err(|error| match error {
        registry::Error::Conflict => ApiError::bad_request(format!(
            "The \"{name}\" instance lives on shard {shard} already"
        )),
        error => gone(error, &row.name),
    })?;
    commands::nudge(&state, &row, false).await;
    let moving = Moving {
        status: "PENDING",
        error: false,
        instance: row.name,
        shard,
    };
    Ok((StatusCode::ACCEPTED, Json(moving)))
}

async fn instance(state: &ApiState, name: &str) -> Result<Instance, ApiError> {
    let row = match InstanceName::parse(name) {
        Ok(name) => state.registry().instance(&name).await?,
        Err(_) => None,
    };
    row.ok_or_else(|| ApiError::no_instance(name))
}

/// The shard that the body names. It must have a queue here: its owner could not be told.
fn target(state: &ApiState, body: &Map<String, Value>) -> Result<ShardId, ApiError> {
    let mut fields = Fields::root(body);
    fields.require("shard");
    let shard = fields.get("shard").and_then(|shard| match shard {
        Value::String(digits) => digits.parse().ok(),
        shard => shard.as_u64(),
    });
    if shard.is_none() && fields.get("shard").is_some() {
        fields.wrong_type("shard", "integer");
    }
    fields.finish()?;
    let shard = shard.unwrap_or_default();
    let known = u16::try_from(shard).ok().map(ShardId);
    known
        .filter(|known| state.shards().any(|shard| shard == *known))
        .ok_or_else(|| ApiError::bad_request(format!("The shard {shard} does not exist")))
}
