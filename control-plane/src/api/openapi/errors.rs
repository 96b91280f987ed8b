//! The envelope of errors.

use axum::http::StatusCode;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// The shape of every error.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct Error {
    /// The HTTP status.
    status: u16,
    /// Its reason phrase. Of a body that can't be read it is `Internal Server Error`, as in the
    /// original.
    error: String,
    response: ErrorResponse,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct ErrorResponse {
    /// What went wrong: a text, a list of texts, a list within a list of texts for a body that
    /// violates its schema, or a list of objects.
    message: Value,
}

/// An envelope as clients see it.
pub(super) fn envelope(status: u16, message: Value) -> Value {
    let code = StatusCode::from_u16(status).unwrap_or_default();
    json!({
        "status": status,
        "error": code.canonical_reason(),
        "response": { "message": message },
    })
}
