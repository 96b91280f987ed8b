//! Multipart bodies: their text fields are the object, with brackets as in urlencoded ones.

use axum::extract::Multipart;
use axum::extract::multipart::MultipartError;
use serde_json::{Map, Value};

use super::form::Upload;
use super::{Files, urlencoded};
use crate::api::error::ApiError;

/// The name of the part that holds a file (contract § 0).
const FILE: &str = "file";

/// Reads the fields, and the one file that a route may take.
///
/// # Errors
/// 400 for what is no multipart body, for fields that are no text, and for files that the route
/// does not take.
pub(super) async fn read(
    mut parts: Multipart,
    files: Files,
) -> Result<(Map<String, Value>, Option<Upload>), ApiError> {
    let (mut object, mut upload) = (Map::new(), None);
    while let Some(part) = parts.next_field().await.map_err(|e| malformed(&e))? {
        let name = part.name().unwrap_or_default().to_owned();
        if let Some(file_name) = part.file_name() {
            if files == Files::Refused || name != FILE || upload.is_some() {
                return Err(ApiError::bad_request("Unexpected field"));
            }
            upload = Some(Upload {
                name: file_name.to_owned(),
                content_type: part.content_type().map(str::to_owned),
                bytes: part.bytes().await.map_err(|e| malformed(&e))?,
            });
            continue;
        }
        let value = part.text().await.map_err(|e| malformed(&e))?;
        urlencoded::insert(&mut object, &name, value);
    }
    Ok((object, upload))
}

fn malformed(error: &MultipartError) -> ApiError {
    ApiError::malformed(error.body_text())
}
