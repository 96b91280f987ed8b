//! The template controller (contract § 2.4): message templates of the Cloud API.

mod describe;
mod input;
mod refusal;
mod reply;

pub(super) use describe::describe;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use pombal_domain::{GraphId, Instance};
use serde_json::Value;

use super::auth::Authorized;
use super::body::Body;
use super::error::ApiError;
use super::state::ApiState;
use crate::business::Cloud;
use refusal::{Context, Refusal};
use reply::TemplateReply;

/// `POST /template/create/{name}`.
pub(super) async fn create(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
    Body(body): Body,
) -> Result<(StatusCode, Json<TemplateReply>), Refusal> {
    let new = input::create(&body, state.egress())?;
    let (cloud, account) = account(&state, &row, Context::Creation)?;
    let made = cloud.create_template(&row, account, new).await;
    let made = made.map_err(|error| Refusal::of(error, Context::Creation))?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// `GET /template/find/{name}`.
pub(super) async fn find(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
) -> Result<Json<Vec<Value>>, Refusal> {
    let (cloud, account) = account(&state, &row, Context::Find)?;
    let found = cloud.find_templates(&row, account).await;
    found
        .map(Json)
        .map_err(|error| Refusal::of(error, Context::Find))
}

/// `POST /template/edit/{name}`.
pub(super) async fn edit(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
    Body(body): Body,
) -> Result<Json<Value>, Refusal> {
    let edit = input::edit(&body, state.egress())?;
    let (cloud, account) = account(&state, &row, Context::Edit)?;
    let edited = cloud
        .edit_template(&row, account, &edit.id, edit.change, edit.webhook_url)
        .await;
    edited
        .map(Json)
        .map_err(|error| Refusal::of(error, Context::Edit))
}

/// `DELETE /template/delete/{name}`.
pub(super) async fn delete(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
    Body(body): Body,
) -> Result<Json<Value>, Refusal> {
    let (name, id) = input::delete(&body)?;
    let (cloud, account) = account(&state, &row, Context::Delete)?;
    let deleted = cloud
        .delete_template(&row, account, &name, id.as_ref())
        .await;
    deleted
        .map(Json)
        .map_err(|error| Refusal::of(error, Context::Delete))
}

/// The channel and the account that an instance's templates belong to.
fn account<'a>(
    state: &'a ApiState,
    row: &'a Instance,
    context: Context,
) -> Result<(&'a Cloud, &'a GraphId), Refusal> {
    let cloud = state.options().cloud.as_ref();
    let Some((cloud, business)) = cloud.zip(row.business.as_ref()) else {
        return Err(ApiError::bad_request("Method not available in the Baileys service").into());
    };
    let account = business.account.as_ref();
    let account = account.ok_or_else(|| Refusal::text("businessId is required", context))?;
    Ok((cloud, account))
}
