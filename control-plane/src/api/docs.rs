//! The API's description, and a page that shows it. No key needed: it is in the repository, too.

use std::sync::LazyLock;

use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{Html, IntoResponse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

/// As `cargo xtask openapi` writes it; a test compares it with the routes.
const DOCUMENT: &str = include_str!("../../../docs/openapi.json");
const STYLE: &str = include_str!("docs/page.css");
const SCRIPT: &str = include_str!("docs/page.js");

/// The page: its parts stand in it, so that one request is enough.
static PAGE: LazyLock<String> = LazyLock::new(|| {
    include_str!("docs/page.html")
        .replace("/* style */", STYLE)
        .replace("/* script */", SCRIPT)
});

/// Only what stands in the page runs, and it talks to this API alone.
static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    HeaderValue::try_from(policy).ok()
});

/// `GET /openapi.json`.
pub(super) async fn document() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT)
}

/// `GET /docs`.
pub(super) async fn page() -> impl IntoResponse {
    let policy = POLICY
        .clone()
        .map(|policy| [(CONTENT_SECURITY_POLICY, policy)]);
    let headers = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, policy, Html(PAGE.as_str()))
}

/// How a policy names a script or a style by what is in it.
fn hash(text: &str) -> String {
    let digest = digest(&SHA256, text.as_bytes());
    format!("sha256-{}", STANDARD.encode(digest))
}
