//! Compressed answers.

use axum::http::header::CONTENT_TYPE;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, Predicate, SizeAbove};

/// Shorter bodies are sent as they are. The original's threshold.
const MIN_BYTES: u16 = 1024;

/// What is worth it: JSON and texts of some length. Media are compressed already.
pub(in crate::api) fn compression() -> CompressionLayer<And<SizeAbove, IsText>> {
    CompressionLayer::new().compress_when(SizeAbove::new(MIN_BYTES).and(IsText))
}

/// The body is JSON or another text.
#[derive(Debug, Clone, Copy)]
pub(in crate::api) struct IsText;

impl Predicate for IsText {
    fn should_compress<B>(&self, response: &axum::http::Response<B>) -> bool
    where
        B: axum::body::HttpBody,
    {
        let kind = response.headers().get(CONTENT_TYPE);
        kind.and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| kind.starts_with("application/json") || kind.starts_with("text/"))
    }
}
