//! Weak validators on JSON answers, and 304 for who has them already.

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::digest;

use crate::api::error::ApiError;

/// How much of the digest goes into a tag, in bytes.
const TAG_BYTES: usize = 20;
/// Answers may hold tokens: no cache between us and the caller keeps them, and the caller's own
/// asks before it uses what it has. Caches can't tell callers apart by `apikey`.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Tags the JSON that a `GET` is answered with, and leaves it out for who has it.
pub(in crate::api) async fn etag(req: Request, next: Next) -> Response {
    if !matches!(*req.method(), Method::GET | Method::HEAD) {
        return next.run(req).await;
    }
    let has = Validators::of(req.headers());
    let response = next.run(req).await;
    if response.status() != StatusCode::OK || !is_json(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // JSON of ours is in memory as a whole.
    let bytes = match to_bytes(body, usize::MAX).await {
        Ok(bytes) => bytes,
        Err(error) => return ApiError::internal(error).into_response(),
    };
    let tag = tag(&bytes);
    let is_known = has.match_with(&tag);
    if let Ok(tag) = HeaderValue::try_from(format!("W/{tag}")) {
        parts.headers.insert(ETAG, tag);
    }
    parts.headers.entry(CACHE_CONTROL).or_insert(PRIVATE);
    if is_known {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(CONTENT_TYPE);
        parts.headers.remove(CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    let is_json = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    is_json && response.body().size_hint().exact().is_some()
}

/// The opaque part of a tag, in quotes: length and digest.
fn tag(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    let digest = STANDARD_NO_PAD.encode(&digest.as_ref()[..TAG_BYTES]);
    format!("\"{:x}-{digest}\"", bytes.len())
}

/// What the caller has.
struct Validators {
    known: Vec<String>,
    reload: bool,
}

impl Validators {
    fn of(headers: &HeaderMap) -> Self {
        let known = headers.get_all(IF_NONE_MATCH).iter();
        let known = known.filter_map(|value| value.to_str().ok());
        let known = known.flat_map(|value| value.split(','));
        let cache = headers.get(CACHE_CONTROL).and_then(|v| v.to_str().ok());
        Self {
            known: known.map(|tag| tag.trim().to_owned()).collect(),
            // A browser's reload, which the original answers in full.
            reload: cache.is_some_and(|cache| cache.contains("no-cache")),
        }
    }

    fn match_with(&self, tag: &str) -> bool {
        !self.reload
            && self
                .known
                .iter()
                .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
    }
}
