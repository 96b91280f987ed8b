//! Errors as JSON.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::error::Error;

/// An error on its way to the caller.
pub(super) struct Failure(Error);

/// The answer of a handler.
pub(super) type Reply<T> = Result<Json<T>, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = match &self.0 {
            Error::NotFound(_) => StatusCode::NOT_FOUND,
            Error::Denied { code, .. } => {
                StatusCode::from_u16(*code).unwrap_or(StatusCode::CONFLICT)
            }
            Error::BadRequest(_) => StatusCode::BAD_REQUEST,
            Error::Pairing(_) => StatusCode::CONFLICT,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(json!({"error": self.0.to_string()}))).into_response()
    }
}

/// `{"ok":true}`.
pub(super) fn ok() -> Json<Value> {
    Json(json!({"ok": true}))
}
