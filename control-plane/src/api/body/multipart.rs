//! Multipart bodies: their text fields are the object, with brackets as in urlencoded ones.

use axum::extract::Multipart;
use axum::extract::multipart::MultipartError;
use serde_json::{Map, Value};

use super::urlencoded;
use crate::api::error::ApiError;

/// Reads the fields.
///
/// # Errors
/// 400 for what is no multipart body, for fields that are no text, and for files: no route of
/// today takes one.
pub(super) async fn read(mut parts: Multipart) -> Result<Map<String, Value>, ApiError> {
    let mut object = Map::new();
    while let Some(part) = parts.next_field().await.map_err(|e| malformed(&e))? {
        if part.file_name().is_some() {
            return Err(ApiError::bad_request("Unexpected field"));
        }
        let name = part.name().unwrap_or_default().to_owned();
        let value = part.text().await.map_err(|e| malformed(&e))?;
        urlencoded::insert(&mut object, &name, value);
    }
    Ok(object)
}

fn malformed(error: &MultipartError) -> ApiError {
    ApiError::malformed(error.body_text())
}
