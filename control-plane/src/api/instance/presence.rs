//! `POST /instance/setPresence/{name}`: whether the account appears online.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use pombal_domain::command::OwnPresence;
use pombal_domain::{ConnectionState, Op, Reply};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::api::auth::Authorized;
use crate::api::body::Body;
use crate::api::commands;
use crate::api::error::ApiError;
use crate::api::fields::Fields;
use crate::api::state::ApiState;

/// The reply: what was asked for.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::api) struct PresenceReply {
    presence: OwnPresence,
}

pub(in crate::api) async fn set_presence(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
    Body(body): Body,
) -> Result<(StatusCode, Json<PresenceReply>), ApiError> {
    let presence = parse(&body)?;
    if row.business.is_some() {
        return Err(ApiError::not_on_business());
    }
    if row.observed.state != ConnectionState::Open || !commands::is_anybody_there(&state).await {
        return Err(ApiError::connection_closed());
    }
    let wait = state.options().connect_wait;
    // Nobody wants it after the answer.
    let command = commands::send(&state, &row, Op::SetPresence { presence }, true, wait).await?;
    match commands::reply(&state, command, wait).await? {
        Some(Reply::Done) => Ok((StatusCode::CREATED, Json(PresenceReply { presence }))),
        Some(Reply::Failed { message }) => Err(ApiError::bad_request(message)),
        _ => Err(ApiError::bad_request("Timed out")),
    }
}

fn parse(body: &Map<String, Value>) -> Result<OwnPresence, ApiError> {
    let mut fields = Fields::root(body);
    let text = fields.string("presence", usize::MAX - 1);
    let presence = text.as_deref().and_then(OwnPresence::parse);
    if text.is_some() && presence.is_none() {
        let known = OwnPresence::ALL.map(OwnPresence::as_str).join(",");
        fields.violate(format!("presence is not one of enum values: {known}"));
    }
    fields.require("presence");
    fields.finish()?;
    presence.ok_or_else(|| ApiError::bad_request("Invalid presence"))
}
