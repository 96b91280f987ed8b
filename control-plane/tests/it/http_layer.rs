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
async fn bodies_come_in_many_shapes() {
    let app = TestApp::start().await;
    let create = || app.post("/instance/create").global();

    let malformed = create()
        .header("content-type", "application/json")
        .body("{\"a\":")
        .send()
        .await;
    assert_eq!(malformed.status, StatusCode::BAD_REQUEST);
    assert_eq!(malformed.body["error"], "Internal Server Error");
    assert!(
        malformed.body["response"]["message"]
            .as_str()
            .unwrap()
            .contains("EOF")
    );

    for body in ["", "  ", "{}", "{\"instanceName\":null}"] {
        let answer = create().body(body).send().await;
        answer.assert_bad_request(&json!([["instance requires property \"instanceName\""]]));
    }
    let array = create().body("[1]").send().await;
    array.assert_bad_request(&json!([["instance is not of a type(s) object"]]));

    let form = create()
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        .body("instanceName=form&integration=WHATSAPP-BAILEYS&rejectCall=true&webhook[url]=https%3A%2F%2Fexample.com")
        .send()
        .await;
    assert_eq!(form.status, StatusCode::CREATED, "{}", form.body);
    assert_eq!(form.body["settings"]["rejectCall"], true);
    assert_eq!(form.body["webhook"]["webhookUrl"], "https://example.com");
}

#[tokio::test]
async fn large_bodies_are_refused_clearly() {
    let app = TestApp::start().await;
    let create = || app.post("/instance/create").global();
    let long = create()
        .json(&json!({ "instanceName": "x".repeat(1 << 20) }))
        .await;
    long.assert_bad_request(&json!([[
        "instanceName does not meet maximum length of 100"
    ]]));
    let larger = create()
        .json(&json!({ "instanceName": "x".repeat(2 << 20) }))
        .await;
    larger.assert_error(
        413,
        "Payload Too Large",
        &json!(["request body is larger than 1114112 bytes"]),
    );
    // The key comes first even so.
    let stranger = app
        .post("/instance/create")
        .body(vec![b'x'; 2 << 20])
        .send()
        .await;
    stranger.assert_unauthorized();
}
