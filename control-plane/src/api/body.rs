//! Request bodies: JSON or urlencoded, an empty one is `{}`, and `null` means absent.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::error::ApiError;
use super::urlencoded;

/// Largest request body in bytes: 1 MiB of content, and room for the fields around it.
pub(super) const MAX_BODY_BYTES: usize = 1024 * 1024 + 64 * 1024;

/// The body of a request as an object without nulls.
pub(super) struct Body(pub(super) Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(req: Request, state: &S) -> Result<Self, ApiError> {
        let kind = Kind::of(&req);
        let bytes = Bytes::from_request(req, state).await.map_err(|rejection| {
            match rejection.status().as_u16() {
                413 => ApiError::too_large(MAX_BODY_BYTES),
                _ => ApiError::malformed("request aborted"),
            }
        })?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(Map::new()));
        }
        let value = match kind {
            Kind::Json => {
                serde_json::from_slice(&bytes).map_err(|e| ApiError::malformed(e.to_string()))?
            }
            Kind::Urlencoded => Value::Object(urlencoded::parse(&bytes)),
            Kind::Other => return Ok(Self(Map::new())),
        };
        match without_nulls(value) {
            Value::Object(object) => Ok(Self(object)),
            _ => Err(ApiError::schema(vec![
                "instance is not of a type(s) object".to_owned(),
            ])),
        }
    }
}

enum Kind {
    Json,
    Urlencoded,
    Other,
}

impl Kind {
    fn of(req: &Request) -> Self {
        let header = req
            .headers()
            .get(CONTENT_TYPE)
            .map(|h| h.to_str().unwrap_or("?"));
        match header.map(str::to_ascii_lowercase).as_deref() {
            None => Self::Json,
            Some(kind) if kind.contains("json") => Self::Json,
            Some(kind) if kind.starts_with("application/x-www-form-urlencoded") => Self::Urlencoded,
            Some(_) => Self::Other,
        }
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(
            object
                .into_iter()
                .filter(|(_, v)| !v.is_null())
                .map(|(k, v)| (k, without_nulls(v)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}
