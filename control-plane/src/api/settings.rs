//! The settings controller (contract § 2.4, § 5).

mod describe;
mod input;

pub(super) use describe::{SettingsFields, describe};
pub(super) use input::read;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use pombal_domain::{InstanceName, Settings};
use serde::Serialize;

use super::auth::Authorized;
use super::body::Body;
use super::commands;
use super::error::{ApiError, gone};
use super::state::ApiState;

/// The reply of `set`: the settings twice wrapped, as in the original.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = SettingsReply)]
pub(super) struct SetReply {
    settings: Named,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = NamedSettings)]
#[serde(rename_all = "camelCase")]
struct Named {
    instance_name: InstanceName,
    settings: Settings,
}

/// `POST /settings/set/{name}`. Its connector is told, so that they hold at once. An instance
/// without one takes them along when it gets one; in an empty fleet, a message would lie there
/// until then.
pub(super) async fn set(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
    Body(body): Body,
) -> Result<(StatusCode, Json<SetReply>), ApiError> {
    let settings = input::from_set(&body, &row.settings)?;
    state
        .registry()
        .set_settings(&row.name, row.id, &settings)
        .await
        .map_err(|error| gone(error, &row.name))?;
    if row.needs_connector() {
        commands::nudge(&state, &row, false).await;
    }
    let reply = SetReply {
        settings: Named {
            instance_name: row.name,
            settings,
        },
    };
    Ok((StatusCode::CREATED, Json(reply)))
}

/// `GET /settings/find/{name}`.
pub(super) async fn find(Authorized(row): Authorized) -> Json<Settings> {
    Json(row.settings)
}
