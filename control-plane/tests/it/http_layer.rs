//! What is true of every route: paths, bodies, unknown routes, health.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::app::TestApp;

#[tokio::test]
async fn unknown_routes_and_methods_get_the_envelope() {
    let app = TestApp::start().await;
    for (method, path) in [
        (Method::GET, "/nope/x?y=1"),
        (Method::GET, "/instance/create"),
        (Method::GET, "//instance/fetchInstances"),
        (Method::POST, "/instance/connect"),
        (Method::GET, "/instance/connectionState//"),
    ] {
        let answer = app.call(method.clone(), path).send().await;
        answer.assert_error(
            404,
            "Not Found",
            &json!([format!("Cannot {method} {path}")]),
        );
    }
}

#[tokio::test]
async fn the_root_and_the_health_checks_need_no_key() {
    let app = TestApp::start().await;
    let answer = app.get("/").send().await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body["status"], 200);
    assert_eq!(answer.body["version"], "2.3.6");
    assert_eq!(answer.body["clientName"], "evolution");
    assert!(answer.body["whatsappWebVersion"].is_string());
    assert!(answer.headers.contains_key("x-request-id"));
    for path in ["/health", "/healthz", "/readyz", "/Health/"] {
        app.get(path)
            .send()
            .await
            .assert_ok(200, &json!({ "status": "ok" }));
    }
    let head = app.call(Method::HEAD, "/").send().await;
    assert_eq!((head.status, head.body), (StatusCode::OK, json!(null)));
}

#[tokio::test]
async fn paths_are_expresses() {
    let app = TestApp::start().await;
    app.create("Bob B").await;
    for path in [
        "/instance/connectionState/Bob%20B",
        "/instance/connectionState/Bob%20B/",
        "/INSTANCE/connectionstate/Bob%20B/?x=1",
    ] {
        let answer = app.get(path).global().send().await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        assert_eq!(answer.body["instance"]["instanceName"], "Bob B");
    }
    let other = app
        .get("/instance/connectionState/bob%20b")
        .global()
        .send()
        .await;
    other.assert_error(
        404,
        "Not Found",
        &json!(["The \"bob b\" instance does not exist"]),
    );
}

#[tokio::test]
async fn older_routes_lead_to_the_same_place() {
    let app = TestApp::start_alone().await;
    let token = app.create("b1").await;
    let off = json!({
        "rejectCall": false, "groupsIgnore": false, "alwaysOnline": false,
        "readMessages": false, "readStatus": false, "syncFullHistory": false,
    });
    let sink = json!({ "enabled": true, "events": ["CALL"] });
    for (path, body) in [
        ("/settings/set/b1", off),
        ("/webhook/set/b1", json!({ "url": "https://example.com" })),
        ("/websocket/set/b1", sink.clone()),
        ("/sqs/set/b1", sink),
    ] {
        let put = app.put(path).key(&token).json(&body).await;
        let post = app.post(path).key(&token).json(&body).await;
        assert_eq!(
            (put.status, post.status),
            (StatusCode::CREATED, StatusCode::CREATED)
        );
        assert_eq!(put.body["id"], post.body["id"]);
    }
    for (method, path) in [
        (Method::GET, "/instance/qrcode/b1"),
        (Method::POST, "/instance/connect/b1"),
        (Method::GET, "/instance/connect/b1"),
        (Method::PUT, "/instance/restart/b1"),
    ] {
        let answer = app.call(method, path).key(&token).send().await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        assert_eq!(answer.body["instance"]["instanceName"], "b1");
        assert_eq!(answer.body["count"], 0);
    }
}
