//! `POST /message/sendText/{name}`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use pombal_domain::event::MessageData;
use pombal_domain::event::pending_text;
use pombal_domain::time::UnixMs;
use pombal_domain::{ConnectionState, Desired, Instance, Op, Reply};
use serde_json::json;

use super::cloud::{Common, Sent, deliver};
use super::send_text_request::SendTextRequest;
use crate::api::auth::Authorized;
use crate::api::body::Body;
use crate::api::commands;
use crate::api::error::ApiError;
use crate::api::state::ApiState;
use crate::business::{Draft, Shown};

pub(in crate::api) async fn send_text(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let request = SendTextRequest::parse(&body)?;
    if row.business.is_some() {
        let sent = through_cloud(&state, &row, request).await?;
        return Ok(sent.into_response());
    }
    let sent = through_connector(&state, &row, request).await?;
    Ok(sent.into_response())
}

/// Through Meta's Cloud API.
async fn through_cloud(
    state: &ApiState,
    row: &Instance,
    request: SendTextRequest,
) -> Result<Sent, ApiError> {
    // Links are shown with a preview unless that is refused.
    let preview = request.link_preview.unwrap_or(true);
    let text = request.text.text;
    let sent = json!({ "body": text, "preview_url": preview });
    let draft = Draft::new("text", sent, Shown::Conversation(text));
    let quoted = request.text.quoted.map(|quoted| quoted.id.to_string());
    let common = Common::to(request.number).answering(quoted);
    deliver(state, row, common, draft).await
}

/// Through the instance's connector.
async fn through_connector(
    state: &ApiState,
    row: &Instance,
    request: SendTextRequest,
) -> Result<(StatusCode, Json<MessageData>), ApiError> {
    let SendTextRequest { text, number, .. } = request;
    if !can_send(row) {
        return Err(ApiError::connection_closed());
    }
    let pending = pending_text(row.id, &text, UnixMs::now());
    let options = state.options();
    let op = Op::SendText(Box::new(text));
    let command = commands::send(state, row, op, true, options.send_ttl).await?;
    // From here on the message is durable: a registry that can't be read is no failed send.
    let reply = commands::reply(state, command, options.send_wait)
        .await
        .unwrap_or_else(|error| {
            error.log("reply to a send not read");
            None
        });
    match reply {
        Some(Reply::Sent { message }) => Ok((StatusCode::CREATED, Json(*message))),
        Some(Reply::NotOnWhatsApp { jid }) => Err(ApiError::not_on_whatsapp(&jid, &number)),
        Some(Reply::Failed { message }) => Err(ApiError::bad_request(message)),
        Some(Reply::TimedOut) => Err(ApiError::bad_request("Timed Out")),
        Some(Reply::Done) | None => Ok((StatusCode::CREATED, Json(pending))),
    }
}

/// Open, or on the way back to it. An instance that waits to be paired can't send.
fn can_send(row: &Instance) -> bool {
    let is_paired = row.observed.owner_jid.is_some();
    row.desired == Desired::Connected
        && match row.observed.state {
            ConnectionState::Open => true,
            ConnectionState::Connecting => is_paired,
            ConnectionState::Close => false,
        }
}
