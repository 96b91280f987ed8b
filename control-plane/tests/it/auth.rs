//! Who gets what, and that nobody learns what exists.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::app::TestApp;

const OF_AN_INSTANCE: [(Method, &str); 24] = [
    (Method::GET, "/instance/connect/"),
    (Method::POST, "/instance/connect/"),
    (Method::GET, "/instance/connectionState/"),
    (Method::POST, "/instance/restart/"),
    (Method::PUT, "/instance/restart/"),
    (Method::DELETE, "/instance/logout/"),
    (Method::DELETE, "/instance/delete/"),
    (Method::POST, "/message/sendText/"),
    (Method::POST, "/webhook/set/"),
    (Method::GET, "/webhook/find/"),
    (Method::GET, "/instance/qrcode/"),
    (Method::POST, "/instance/rotateToken/"),
    (Method::PUT, "/webhook/set/"),
    (Method::POST, "/websocket/set/"),
    (Method::GET, "/websocket/find/"),
    (Method::POST, "/sqs/set/"),
    (Method::GET, "/sqs/find/"),
    (Method::POST, "/settings/set/"),
    (Method::PUT, "/settings/set/"),
    (Method::GET, "/settings/find/"),
    (Method::POST, "/rabbitmq/set/"),
    (Method::GET, "/pusher/find/"),
    (Method::GET, "/typebot/find/"),
    (Method::DELETE, "/openai/delete/7/"),
];

#[tokio::test]
async fn every_route_of_an_instance_checks_the_key_first() {
    let app = TestApp::start().await;
    app.create("b1").await;
    let other = app.create("b2").await;
    for (method, path) in OF_AN_INSTANCE {
        for name in ["b1", "ghost", "b1?instanceName=b2", "a%2Fb", "%ff"] {
            let path = format!("{path}{name}");
            let call = || app.call(method.clone(), &path);
            call().send().await.assert_unauthorized();
            call().key("").send().await.assert_unauthorized();
            call().key("wrong").send().await.assert_unauthorized();
            call().key(&other).send().await.assert_unauthorized();
            call()
                .header("authorization", "Bearer x")
                .send()
                .await
                .assert_unauthorized();
        }
        let ghost = app
            .call(method.clone(), &format!("{path}ghost"))
            .global()
            .send()
            .await;
        ghost.assert_error(
            404,
            "Not Found",
            &json!(["The \"ghost\" instance does not exist"]),
        );
        // The key in the URL counts for nothing.
        let query = format!("{path}b1?apikey={other}");
        app.call(method, &query).send().await.assert_unauthorized();
    }
}

#[tokio::test]
async fn a_token_opens_its_own_instance_and_no_global_route() {
    let app = TestApp::start().await;
    let token = app.create("b1").await;
    app.create("b2").await;
    let own = app
        .get("/instance/connectionState/b1")
        .key(&token)
        .send()
        .await;
    assert_eq!(own.status, StatusCode::OK);
    // The path decides, whatever the query says.
    let tricked = app
        .get("/instance/connectionState/b1?instanceName=b2")
        .key(&token)
        .send()
        .await;
    assert_eq!(tricked.body["instance"]["instanceName"], "b1");
    let create = app.post("/instance/create").key(&token);
    create
        .json(&json!({ "instanceName": "b3" }))
        .await
        .assert_unauthorized();
    // Free or taken, well-formed or not: without the key there is one answer.
    for body in [
        json!({ "instanceName": "b1" }),
        json!({ "instanceName": "new" }),
        json!([]),
    ] {
        app.post("/instance/create")
            .json(&body)
            .await
            .assert_unauthorized();
    }
    app.get("/instance/fetchInstances")
        .send()
        .await
        .assert_unauthorized();
    app.get("/instance/fetchInstances")
        .key("wrong")
        .send()
        .await
        .assert_unauthorized();
}

#[tokio::test]
async fn the_token_of_a_deleted_instance_opens_nothing() {
    let app = TestApp::start_alone().await;
    let token = app.create("b1").await;
    app.delete("/instance/delete/b1").key(&token).send().await;
    app.get("/instance/connectionState/b1")
        .key(&token)
        .send()
        .await
        .assert_unauthorized();
    app.get("/instance/fetchInstances")
        .key(&token)
        .send()
        .await
        .assert_unauthorized();
    app.create("b1").await;
    app.get("/instance/connectionState/b1")
        .key(&token)
        .send()
        .await
        .assert_unauthorized();
}
