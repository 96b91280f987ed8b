//! Request bodies: JSON, urlencoded or multipart; an empty one is `{}`, and `null` means absent.

mod form;
mod multipart;
mod read;
mod urlencoded;

pub(super) use form::{Form, Upload};

use axum::body::Body as RawBody;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::error::ApiError;

/// Largest request body in bytes: 1 MiB of content, and room for the fields around it.
pub(super) const MAX_BODY_BYTES: usize = 1024 * 1024 + 64 * 1024;

/// What a text in UTF-8 may begin with.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The body of a request as an object without nulls.
pub(super) struct Body(pub(super) Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(req: Request, state: &S) -> Result<Self, ApiError> {
        let (object, _) = object(req, state, MAX_BODY_BYTES, Files::Refused).await?;
        Ok(Self(object))
    }
}

/// What becomes of files in multipart bodies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Files {
    Refused,
    /// One, named `file`.
    Taken,
}

/// The body of at most `limit` bytes as an object, and the file that came with it.
async fn object<S: Send + Sync>(
    req: Request,
    state: &S,
    limit: usize,
    files: Files,
) -> Result<(Map<String, Value>, Option<Upload>), ApiError> {
    let kind = Kind::of(&req);
    let (parts, body) = req.into_parts();
    let bytes = read::read(&parts.headers, body, limit).await?;
    // Some editors and libraries of Windows begin a text with this.
    let bytes = match bytes.strip_prefix(BYTE_ORDER_MARK) {
        Some(text) => bytes.slice_ref(text),
        None => bytes,
    };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok((Map::new(), None));
    }
    let mut upload = None;
    let value = match kind {
        Kind::Json => {
            serde_json::from_slice(&bytes).map_err(|e| ApiError::malformed(e.to_string()))?
        }
        Kind::Urlencoded => Value::Object(urlencoded::parse(&bytes)),
        Kind::Multipart => {
            let req = Request::from_parts(parts, RawBody::from(bytes));
            let multipart = Multipart::from_request(req, state)
                .await
                .map_err(|rejection| ApiError::malformed(rejection.body_text()))?;
            let (object, file) = multipart::read(multipart, files).await?;
            upload = file;
            Value::Object(object)
        }
        Kind::Other => return Ok((Map::new(), None)),
    };
    match without_nulls(value) {
        Value::Object(object) => Ok((object, upload)),
        _ => Err(ApiError::schema(vec![
            "instance is not of a type(s) object".to_owned(),
        ])),
    }
}

enum Kind {
    Json,
    Urlencoded,
    Multipart,
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
            Some(kind) if kind.starts_with("multipart/form-data") => Self::Multipart,
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
