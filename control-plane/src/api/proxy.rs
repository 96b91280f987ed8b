//! The proxy controller (contract § 2.4, § 5).

mod check;
mod describe;
mod input;
mod row;

pub use check::ProxyCheck;
pub(super) use describe::{ProxyFields, describe};
pub(super) use input::{ProxyInput, Wanted};
pub(super) use row::ProxyRow;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use pombal_domain::time::UnixMs;
use pombal_domain::{Instance, InstanceName};
use pombal_store::proxy;
use serde::Serialize;

use super::auth::Authorized;
use super::body::Body;
use super::commands;
use super::error::{ApiError, gone};
use super::state::ApiState;
use row::Shown;

/// The reply of `set`: the proxy twice wrapped, as in the original.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ProxyReply)]
pub(super) struct SetReply {
    proxy: Named,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = NamedProxy)]
#[serde(rename_all = "camelCase")]
struct Named {
    instance_name: InstanceName,
    proxy: Shown,
}

/// `POST /proxy/set/{name}`. It is tried before it is stored. An instance that is connected
/// connects again, through it.
pub(super) async fn set(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
    Body(body): Body,
) -> Result<(StatusCode, Json<SetReply>), ApiError> {
    let input = ProxyInput::from_set(&body, row.proxy.as_ref())?;
    let old_password = old_password(&state, &row).await;
    let wanted = input.merge(row.proxy.as_ref(), old_password);
    check::check(&state, &wanted).await?;
    let key = state.keys().unwrap(row.id, &row.data_key).await?;
    let config = wanted
        .store(&key, row.id, row.proxy.as_ref(), UnixMs::now())
        .map_err(ApiError::internal)?;
    state
        .registry()
        .set_proxy(&row.name, row.id, &config)
        .await
        .map_err(|error| gone(error, &row.name))?;
    if row.needs_connector() {
        commands::nudge(&state, &row, false).await;
    }
    let reply = SetReply {
        proxy: Named {
            instance_name: row.name,
            proxy: Shown::new(&config, wanted.password()),
        },
    };
    Ok((StatusCode::CREATED, Json(reply)))
}

/// `GET /proxy/find/{name}`: the row with its password, or `null` before the first set. Who may
/// ask may set it as well, and has the instance's token or the global key.
pub(super) async fn find(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
) -> Json<Option<ProxyRow>> {
    Json(ProxyRow::of(&state, &row).await)
}

/// Tries the proxy of a new instance.
///
/// # Errors
/// 400 when it does not lead to `WhatsApp`.
pub(super) async fn check_new(state: &ApiState, input: ProxyInput) -> Result<Wanted, ApiError> {
    let wanted = input.merge(None, None);
    check::check(state, &wanted).await?;
    Ok(wanted)
}

/// The password that is stored. One that can't be had any more is as good as none.
async fn old_password(state: &ApiState, row: &Instance) -> Option<input::Password> {
    let server = row.proxy.as_ref()?.server.as_ref()?;
    match proxy::password(row, server, state.keys()).await {
        Ok(password) => password,
        Err(error) => {
            ApiError::internal(error).log("password of a proxy not read");
            None
        }
    }
}
