//! `GET /` and the health checks. No key needed, no names told.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use pombal_domain::InstanceName;
use serde::Serialize;
use serde_json::json;

use super::state::ApiState;

/// The version of the contract: clients and the manager ask for it.
pub(super) const CONTRACT_VERSION: &str = "2.3.6";
/// Evolution's default `DATABASE_CONNECTION_CLIENT_NAME`.
pub(super) const CLIENT_NAME: &str = "evolution";

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Welcome {
    status: u16,
    message: &'static str,
    version: &'static str,
    client_name: &'static str,
    documentation: &'static str,
    whatsapp_web_version: String,
}

pub(super) async fn welcome(State(state): State<ApiState>) -> Json<Welcome> {
    Json(Welcome {
        status: 200,
        message: "Welcome to the Evolution API, it is working!",
        version: CONTRACT_VERSION,
        client_name: CLIENT_NAME,
        documentation: "https://doc.evolution-api.com",
        whatsapp_web_version: state.options().whatsapp_web_version.clone(),
    })
}

/// The process runs.
pub(super) async fn health() -> Json<serde_json::Value> {
    Json(json!({ "status": "ok" }))
}

/// The process can serve: the registry answers.
pub(super) async fn ready(State(state): State<ApiState>) -> Response {
    match state
        .registry()
        .list_instances(None::<&InstanceName>, 1)
        .await
    {
        Ok(_) => Json(json!({ "status": "ok" })).into_response(),
        Err(error) => {
            tracing::warn!(error = %pombal_domain::Chain(&error), "not ready");
            let body = Json(json!({ "status": "unavailable" }));
            (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
        }
    }
}
