//! Bodies of routes that take a medium: larger ones, and a file beside the fields.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use serde_json::{Map, Value};

use super::{Files, object};
use crate::api::error::ApiError;

/// Largest body with a medium in bytes: a file of 24 MiB in base64. It is held in memory. What
/// is larger goes by its address.
pub(in crate::api) const MAX_FORM_BYTES: usize = 32 * 1024 * 1024;

/// The body of a request as an object without nulls, and the file that came with it. Its routes
/// have no limit of their own in the way: the one here holds.
pub(in crate::api) struct Form {
    pub(in crate::api) fields: Map<String, Value>,
    pub(in crate::api) file: Option<Upload>,
}

/// A file of a multipart body.
pub(in crate::api) struct Upload {
    pub(in crate::api) name: String,
    pub(in crate::api) content_type: Option<String>,
    pub(in crate::api) bytes: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = ApiError;

    async fn from_request(req: Request, state: &S) -> Result<Self, ApiError> {
        let (fields, file) = object(req, state, MAX_FORM_BYTES, Files::Taken).await?;
        Ok(Self { fields, file })
    }
}
