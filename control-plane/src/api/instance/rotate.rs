//! `POST /instance/rotateToken/{name}`: a new token, and the old one opens nothing any more.

use axum::Json;
use axum::extract::State;
use pombal_domain::{InstanceId, InstanceName};
use pombal_store::registry;
use serde::Serialize;

use crate::api::auth::Authorized;
use crate::api::body::Body;
use crate::api::error::{ApiError, gone};
use crate::api::fields::Fields;
use crate::api::state::ApiState;
use crate::api::token;
use crate::secret::token_hash;

/// The new token, in the place where `create` of v2 has it.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::api) struct Rotated {
    instance: NameAndId,
    hash: String,
}

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct NameAndId {
    instance_name: InstanceName,
    instance_id: InstanceId,
}

/// Gives the instance the token in the body, or a random one. Who has the old token may ask for
/// it, as may the holder of the global key. It is done before the answer.
pub(in crate::api) async fn rotate_token(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
    Body(body): Body,
) -> Result<Json<Rotated>, ApiError> {
    let mut fields = Fields::root(&body);
    let wanted = if row.business.is_some() {
        token::read_metas(&mut fields)
    } else {
        token::read(&mut fields)
    };
    fields.finish()?;
    if row.business.is_some() && wanted.is_none() {
        // It is Meta who gives these tokens.
        return Err(ApiError::bad_request("token is required"));
    }
    let new = wanted.unwrap_or_else(token::random);
    token::check_free(&state, &new)?;
    let key = state.keys().unwrap(row.id, &row.data_key).await?;
    let sealed = token::seal(&key, row.id, &new).map_err(ApiError::internal)?;
    let hash = token_hash(new.expose().as_bytes());
    let replaced = state.registry().replace_token(&row, &hash, sealed).await;
    replaced.map_err(|error| match error {
        registry::Error::TokenTaken => ApiError::token_taken(),
        registry::Error::Conflict => ApiError::conflict("The token was changed meanwhile"),
        other => gone(other, &row.name),
    })?;
    tracing::info!(instance.id = %row.id, "token replaced");
    Ok(Json(Rotated {
        instance: NameAndId {
            instance_name: row.name,
            instance_id: row.id,
        },
        hash: new.expose().to_owned(),
    }))
}
