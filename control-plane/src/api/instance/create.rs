//! `POST /instance/create`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use pombal_domain::instance::Observed;
use pombal_domain::time::UnixMs;
use pombal_domain::{
    ConnectionState, Desired, Instance, InstanceId, Integration, Pairing, ShardId, WebhookConfig,
};
use pombal_store::registry;

use super::create_reply::CreateReply;
use super::create_request::CreateRequest;
use super::pairing::{self, CodeReply, Progress};
use crate::api::auth::GlobalKey;
use crate::api::body::Body;
use crate::api::error::ApiError;
use crate::api::state::ApiState;
use crate::api::{commands, lifecycle, limits, proxy, token};
use crate::secret::{Secret, token_hash};

pub(in crate::api) async fn create(
    State(state): State<ApiState>,
    _: GlobalKey,
    Body(body): Body,
) -> Result<(StatusCode, Json<CreateReply>), ApiError> {
    let mut request = CreateRequest::parse(&body)?;
    if request.business.is_some() && state.options().cloud.is_none() {
        return Err(ApiError::bad_request("Invalid integration"));
    }
    let now = UnixMs::now();
    let webhook = request
        .webhook
        .take()
        .map(|input| input.merge(None, state.egress(), now))
        .transpose()?;
    limits::check_room(&state).await?;
    let (is_v1, qrcode) = (request.is_v1, request.qrcode);
    let token = request.token.take().unwrap_or_else(token::random);
    token::check_free(&state, &token)?;
    let proxy = match request.proxy.take() {
        Some(input) => Some(proxy::check_new(&state, input).await?),
        None => None,
    };
    let row = new_row(&state, request, (proxy, webhook), &token, now).await?;
    state
        .registry()
        .create_instance(&row)
        .await
        .map_err(|error| match error {
            registry::Error::NameTaken => ApiError::name_taken(&row.name),
            registry::Error::TokenTaken => ApiError::token_taken(),
            registry::Error::NumberTaken => ApiError::number_taken(),
            other => other.into(),
        })?;
    lifecycle::tell_created(state.options().events.as_ref(), &row).await;
    let (row, code) = if qrcode {
        first_code(&state, row).await
    } else {
        (row, None)
    };
    Ok((
        StatusCode::CREATED,
        Json(CreateReply::new(
            row,
            &token,
            is_v1,
            code,
            &state.options().server_url,
        )),
    ))
}

async fn new_row(
    state: &ApiState,
    request: CreateRequest,
    (proxy, webhook): (Option<proxy::Wanted>, Option<WebhookConfig>),
    token: &Secret,
    now: UnixMs,
) -> Result<Instance, ApiError> {
    let id = InstanceId::random();
    let (key, data_key) = state.keys().generate(id).await?;
    let is_business = request.business.is_some();
    let (desired, generation) = if request.qrcode {
        (Desired::Connected, 1)
    } else {
        (Desired::Disconnected, 0)
    };
    let pairing = match &request.number {
        Some(phone) if request.qrcode => Pairing::Code {
            phone: phone.clone(),
        },
        _ => Pairing::Qr,
    };
    let shard = if is_business {
        ShardId(0)
    } else {
        ShardId(rand::random_range(0..state.options().shards))
    };
    Ok(Instance {
        integration: if is_business {
            Integration::Business
        } else {
            Integration::Baileys
        },
        business: request.business,
        number: request.number,
        token_hash: token_hash(token.expose().as_bytes()),
        token_sealed: token::seal(&key, id, token).map_err(ApiError::internal)?,
        data_key,
        desired,
        pairing,
        generation,
        settings: request.settings,
        proxy: proxy
            .map(|proxy| proxy.store(&key, id, None, now))
            .transpose()
            .map_err(ApiError::internal)?,
        webhook,
        websocket: request.websocket.map(|input| input.merge(None, now)),
        sqs: request.sqs.map(|input| input.merge(None, now)),
        observed: Observed {
            // The Cloud API is there from the first moment on.
            state: if is_business {
                ConnectionState::Open
            } else {
                ConnectionState::Close
            },
            ..Observed::never()
        },
        ..Instance::untouched(id, request.name, shard, now)
    })
}

/// Waits for the first code of an instance that exists by now: what goes wrong from here on
/// is no reason to call its creation failed.
async fn first_code(state: &ApiState, row: Instance) -> (Instance, Option<CodeReply>) {
    commands::nudge(state, &row, false).await;
    let wait = state.options().connect_wait;
    match pairing::wait_for_progress(state, row.clone(), wait).await {
        Ok((row, Progress::Code(code))) => (row, Some(code)),
        Ok((row, _)) => (row, Some(CodeReply::default())),
        Err(error) => {
            error.log("first code not read");
            (row, Some(CodeReply::default()))
        }
    }
}
