//! What browsers, proxies and caches ask for: origins, `OPTIONS`, `HEAD`, validators, gzip.

use std::io::Read;

use axum::http::{HeaderValue, Method, StatusCode};
use flate2::read::GzDecoder;
use pombal_control_plane::config::{CorsConfig, Origins};
use serde_json::{Value, json};

use crate::app::TestApp;

const ORIGIN: &str = "https://manager.example";

async fn preflight(app: &TestApp, path: &str, origin: &str) -> crate::app::Answer {
    app.call(Method::OPTIONS, path)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "apikey,content-type")
        .send()
        .await
}

#[tokio::test]
async fn any_page_may_call_but_not_with_credentials() {
    let app = TestApp::start().await;
    for path in [
        "/instance/create",
        "/instance/fetchInstances/",
        "/nope",
        "/",
    ] {
        let answer = preflight(&app, path, ORIGIN).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(
            answer.header("access-control-allow-methods"),
            "POST,GET,PUT,DELETE"
        );
        assert_eq!(
            answer.header("access-control-allow-headers"),
            "apikey,content-type"
        );
        assert_eq!(answer.header("access-control-allow-credentials"), "");
        assert!(answer.bytes.is_empty());
    }
    // No preflight, and still every route knows the method.
    let plain = app
        .call(Method::OPTIONS, "/instance/connect/b1")
        .send()
        .await;
    assert_eq!(plain.status, StatusCode::NO_CONTENT);
    // Errors too can be read.
    let refused = app
        .post("/instance/create")
        .header("origin", ORIGIN)
        .send()
        .await;
    refused.assert_unauthorized();
    assert_eq!(refused.header("access-control-allow-origin"), "*");
    let exposed = refused.header("access-control-expose-headers");
    assert_eq!(exposed, "etag,x-next-cursor,x-request-id");
}

#[tokio::test]
async fn listed_pages_may_call_and_others_may_not() {
    let app = TestApp::start_with(|options| {
        options.cors = CorsConfig {
            origins: Origins::These(vec![HeaderValue::from_static(ORIGIN)]),
            methods: vec![Method::GET],
            credentials: true,
        };
    })
    .await;
    let answer = preflight(&app, "/instance/create", ORIGIN).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
    assert_eq!(answer.header("access-control-allow-methods"), "GET");
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    for stranger in [
        "https://evil.example",
        "https://manager.example.evil.example",
        "null",
    ] {
        let answer = preflight(&app, "/instance/create", stranger).await;
        assert_eq!(
            answer.header("access-control-allow-origin"),
            "",
            "{stranger}"
        );
        assert!(answer.header("vary").contains("origin"));
    }
}

#[tokio::test]
async fn who_has_the_answer_is_not_sent_it_again() {
    let app = TestApp::start().await;
    app.create("b1").await;
    let path = "/instance/connectionState/b1";
    let first = app.get(path).global().send().await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");
    // Answers may hold tokens, which caches between us and the client must not give to others.
    assert_eq!(first.header("cache-control"), "private, no-cache");
    let again = |tags: &str| app.get(path).global().header("if-none-match", tags).send();
    for tags in [tag.as_str(), &tag[2..], "*", &format!("\"x\", {tag}")] {
        let answer = again(tags).await;
        assert_eq!(answer.status, StatusCode::NOT_MODIFIED, "{tags}");
        assert!(answer.bytes.is_empty());
        assert_eq!(answer.header("etag"), tag);
        assert_eq!(answer.header("content-type"), "");
    }
    assert_eq!(again("W/\"other\"").await.body, first.body);
    let reload = app.get(path).global().header("if-none-match", &tag);
    let reload = reload.header("cache-control", "no-cache").send().await;
    assert_eq!(reload.body, first.body);

    let head = app.call(Method::HEAD, path).global().send().await;
    assert_eq!(
        (head.status, head.header("etag")),
        (StatusCode::OK, tag.as_str())
    );
    assert!(head.bytes.is_empty());
    assert_eq!(head.header("content-length"), first.bytes.len().to_string());

    // The key comes first even for who knows the tag, and what is no answer has none.
    let stranger = app.get(path).header("if-none-match", &tag).send().await;
    stranger.assert_unauthorized();
    assert_eq!(stranger.header("etag"), "");
    let post = app.post("/verify-creds").global().send().await;
    assert_eq!(post.header("etag"), "");
    // Another answer, another tag.
    app.create("b2").await;
    let other = app.get("/instance/connectionState/b2").global();
    let other = other.header("if-none-match", &tag).send().await;
    assert_eq!(other.status, StatusCode::OK);
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let app = TestApp::start().await;
    app.create("b1").await;
    for path in [
        "/",
        "/instance/fetchInstances",
        "/instance/connectionState/b1",
        "/webhook/find/b1",
        "/websocket/find/b1",
        "/sqs/find/b1",
        "/settings/find/b1",
        "/rabbitmq/find/b1",
        "/typebot/find/b1",
        "/nope",
    ] {
        let get = app.get(path).global().send().await;
        let head = app.call(Method::HEAD, path).global().send().await;
        assert_eq!(head.status, get.status, "{path}");
        assert!(head.bytes.is_empty(), "{path}");
    }
}

#[tokio::test]
async fn long_answers_are_compressed_for_who_wants_it() {
    let app = TestApp::start().await;
    for i in 0..3 {
        app.create(&format!("b{i}")).await;
    }
    let get = |path: &str| {
        app.get(path)
            .global()
            .header("accept-encoding", "br, gzip;q=0.8")
    };
    let plain = app.get("/instance/fetchInstances").global().send().await;
    assert_eq!(plain.header("content-encoding"), "");
    let packed = get("/instance/fetchInstances").send().await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(packed.header("vary").contains("accept-encoding"));
    assert_eq!(packed.header("etag"), plain.header("etag"));
    assert!(packed.bytes.len() < plain.bytes.len());
    let mut text = String::new();
    GzDecoder::new(&*packed.bytes)
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), plain.body);
    let tag = packed.header("etag");
    let known = get("/instance/fetchInstances").header("if-none-match", tag);
    assert_eq!(known.send().await.status, StatusCode::NOT_MODIFIED);
    // Not worth it.
    let short = get("/health").send().await;
    assert_eq!(short.header("content-encoding"), "");
    assert_eq!(short.body, json!({ "status": "ok" }));
}
