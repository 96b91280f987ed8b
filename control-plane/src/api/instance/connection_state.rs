//! `GET /instance/connectionState/{name}`: one registry read, the one that authorises.

use axum::Json;
use pombal_domain::{ConnectionState, InstanceName, StatusReason};
use serde::Serialize;

use crate::api::auth::Authorized;

/// The contract's reply, and the reason both where the seed has it and beside the state.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct StateReply {
    instance: InstanceState,
    status_reason: StatusReason,
}

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct InstanceState {
    instance_name: InstanceName,
    state: ConnectionState,
    status_reason: StatusReason,
}

pub(in crate::api) async fn connection_state(Authorized(row): Authorized) -> Json<StateReply> {
    let status_reason = row.observed.reason;
    let state = row.observed.state;
    let instance = InstanceState {
        instance_name: row.name,
        state,
        status_reason,
    };
    Json(StateReply {
        instance,
        status_reason,
    })
}
