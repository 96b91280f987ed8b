//! The document and its page, as they are served.

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::walk::document;
use crate::app::TestApp;

#[tokio::test]
async fn anybody_may_read_the_document() {
    let app = TestApp::start().await;
    let answer = app.get("/openapi.json").send().await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.body, document());
    assert_eq!(answer.body["openapi"], "3.1.0");
    let again = app
        .get("/openapi.json")
        .header("if-none-match", answer.header("etag"))
        .send()
        .await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn the_page_runs_nothing_but_its_own_script() {
    let app = TestApp::start().await;
    let answer = app.get("/docs").send().await;
    assert_eq!(answer.status, StatusCode::OK);
    let page = std::str::from_utf8(&answer.bytes).unwrap();
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    for tag in ["script", "style"] {
        let (_, rest) = page.split_once(&format!("<{tag}>")).unwrap();
        let (inner, rest) = rest.split_once(&format!("</{tag}>")).unwrap();
        assert!(!rest.contains(&format!("<{tag}")), "one {tag} is allowed");
        let hash = STANDARD.encode(ring::digest::digest(
            &ring::digest::SHA256,
            inner.as_bytes(),
        ));
        assert!(
            policy.contains(&format!("{tag}-src 'sha256-{hash}'")),
            "{policy}"
        );
    }
    for way_out in [
        "http://",
        "https://",
        "//cdn",
        "innerHTML",
        "document.write",
        "eval(",
    ] {
        assert!(!page.contains(way_out), "{way_out}");
    }
}

#[tokio::test]
async fn an_operator_may_switch_both_off() {
    let app = TestApp::start_with(|options| options.docs = false).await;
    for path in ["/openapi.json", "/docs"] {
        let answer = app.get(path).global().send().await;
        answer.assert_error(404, "Not Found", &json!([format!("Cannot GET {path}")]));
    }
}
