//! `GET /media/{instance}/{name}`: a medium of the embedded adapter, for whoever has a link.
//!
//! The link is the key: no `apikey` is asked for, so that an `<img>` can show it. On AWS links
//! lead to S3, and nothing is here.

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use pombal_store::Media;
use pombal_store::media::{MediaKey, Stored};
use serde::Deserialize;

use super::error::ApiError;
use super::state::ApiState;

/// The parameters that make the path a link.
#[derive(Deserialize)]
pub(super) struct Link {
    expires: u64,
    signature: String,
}

pub(super) async fn show(
    State(state): State<ApiState>,
    Path((instance, name)): Path<(String, String)>,
    link: Result<Query<Link>, QueryRejection>,
) -> Result<Response, ApiError> {
    let nothing = || ApiError::not_found("Media not found");
    let media = state.options().media.as_ref().ok_or_else(nothing)?;
    let key: MediaKey = format!("{instance}/{name}")
        .parse()
        .map_err(|_| nothing())?;
    let Query(link) = link.map_err(|_| ApiError::unauthorized())?;
    // Before anything is looked up: who has no link learns nothing about what is there.
    if media
        .check_link(&key, link.expires, &link.signature)
        .is_err()
    {
        return Err(ApiError::unauthorized());
    }
    let stored = media.get(&key).await.map_err(ApiError::internal)?;
    stored.map(answer).ok_or_else(nothing)
}

/// The medium, and nothing that a browser could take for a page of ours.
fn answer(stored: Stored) -> Response {
    let headers = [
        (CONTENT_TYPE, stored.content_type),
        (CONTENT_LENGTH, stored.size_bytes.to_string()),
        (
            CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'".to_owned(),
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (CACHE_CONTROL, "private".to_owned()),
    ];
    (headers, Body::from_stream(stored.body)).into_response()
}
