//! Media: uploaded, described, downloaded.
//!
//! <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media>

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use ring::digest;
use serde_json::json;

use crate::server::Shared;
use crate::{GraphError, Route, form};

/// A medium that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Medium {
    /// The id of the number that it belongs to.
    pub number: String,
    /// The name of the file that was uploaded.
    pub name: Option<String>,
    /// What it is.
    pub mime_type: String,
    /// The bytes.
    pub bytes: Bytes,
}

pub(crate) async fn upload(
    State(shared): State<Arc<Shared>>,
    Path((_, number)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = || keep(&shared, &headers, &number, &body);
    shared.faults.around(Route::Upload, work).await
}

fn keep(
    shared: &Shared,
    headers: &HeaderMap,
    number: &str,
    body: &Bytes,
) -> Result<Response, GraphError> {
    shared.authorised(headers, number)?;
    let kind = headers.get("content-type").and_then(|it| it.to_str().ok());
    let parts = form::read(kind.unwrap_or_default(), body)
        .ok_or_else(|| GraphError::parameter("the body is no form"))?;
    let product = parts.get("messaging_product");
    if product.is_none_or(|part| part.bytes != "whatsapp") {
        return Err(GraphError::parameter("messaging_product must be whatsapp"));
    }
    let file = parts
        .get("file")
        .filter(|file| file.file_name.is_some() && !file.bytes.is_empty())
        .ok_or_else(|| GraphError::parameter("file is missing"))?;
    let mime_type = file.content_type.clone();
    let medium = Medium {
        number: number.to_owned(),
        name: file.file_name.clone(),
        mime_type: mime_type.ok_or_else(|| GraphError::parameter("the file has no type"))?,
        bytes: file.bytes.clone(),
    };
    let id = shared.new_id();
    shared
        .world
        .lock()
        .unwrap()
        .media
        .insert(id.clone(), medium);
    Ok(Json(json!({ "id": id })).into_response())
}

pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    Path((_, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let work = || {
        let medium = own(&shared, &headers, &id)?;
        let hash = digest::digest(&digest::SHA256, &medium.bytes);
        let shown = json!({
            "messaging_product": "whatsapp",
            "url": format!("{}/download/{id}", shared.url),
            "mime_type": medium.mime_type,
            "sha256": hex::encode(hash),
            "file_size": medium.bytes.len(),
            "id": id,
        });
        Ok(Json(shown).into_response())
    };
    shared.faults.around(Route::Medium, work).await
}

pub(crate) async fn download(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let work = || {
        let medium = own(&shared, &headers, &id)?;
        Ok(([("content-type", medium.mime_type)], medium.bytes).into_response())
    };
    shared.faults.around(Route::Download, work).await
}

fn own(shared: &Shared, headers: &HeaderMap, id: &str) -> Result<Medium, GraphError> {
    let numbers = shared.numbers_of(headers)?;
    let world = shared.world.lock().unwrap();
    world
        .media
        .get(id)
        .filter(|medium| numbers.iter().any(|number| number.id == medium.number))
        .cloned()
        .ok_or_else(|| GraphError::object(id))
}
