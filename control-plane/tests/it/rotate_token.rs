//! `POST /instance/rotateToken/{name}`.

use axum::http::StatusCode;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::app::{Answer, GLOBAL_KEY, TestApp};

async fn rotate(app: &TestApp, key: &str, body: Value) -> Answer {
    app.post("/instance/rotateToken/b1")
        .key(key)
        .json(&body)
        .await
}

async fn opens(app: &TestApp, key: &str) -> bool {
    let state = app
        .get("/instance/connectionState/b1")
        .key(key)
        .send()
        .await;
    let fetch = app.get("/instance/fetchInstances").key(key).send().await;
    assert_eq!(state.status, fetch.status);
    if state.status == StatusCode::OK {
        assert_eq!(fetch.body[0]["token"], key);
    }
    state.status == StatusCode::OK
}

#[tokio::test]
async fn the_new_token_opens_and_the_old_one_does_not() {
    let app = TestApp::start().await;
    let first = app.create("b1").await;
    let id = app.stores.row("b1").await.id;
    let answer = rotate(&app, &first, json!({})).await;
    let second = answer.body["hash"].as_str().unwrap().to_owned();
    answer.assert_ok(
        200,
        &json!({ "instance": { "instanceName": "b1", "instanceId": id }, "hash": second }),
    );
    assert!(uuid::Uuid::parse_str(&second).is_ok() && second != first);
    assert!(opens(&app, &second).await && !opens(&app, &first).await);
    rotate(&app, &first, json!({})).await.assert_unauthorized();

    // A token of one's own choice, through the global key.
    let answer = rotate(&app, GLOBAL_KEY, json!({ "token": "T-3" })).await;
    assert_eq!(
        (answer.status, &answer.body["hash"]),
        (StatusCode::OK, &json!("T-3"))
    );
    assert!(opens(&app, "T-3").await && !opens(&app, &second).await);
    let row = app.stores.row("b1").await;
    assert!(!String::from_utf8_lossy(&row.token_sealed).contains("T-3"));
    // The global key sees the new one.
    let all = app.get("/instance/fetchInstances").global().send().await;
    assert_eq!(all.body[0]["token"], "T-3");
    // What was given up is free for others.
    let body = json!({ "instanceName": "b2", "token": first });
    let other = app.post("/instance/create").global().json(&body).await;
    assert_eq!(other.status, StatusCode::CREATED, "{}", other.body);
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    let app = TestApp::start().await;
    let token = app.create("b1").await;
    let other = app.create("b2").await;
    for taken in [GLOBAL_KEY, &other, &token] {
        let answer = rotate(&app, &token, json!({ "token": taken })).await;
        answer.assert_error(403, "Forbidden", &json!(["This token is already in use."]));
    }
    for (body, text) in [
        (json!({ "token": 7 }), "token is not of a type(s) string"),
        (json!({ "token": " x" }), "token can't be sent as a header"),
        (
            json!({ "token": "x".repeat(256) }),
            "token does not meet maximum length of 255",
        ),
    ] {
        rotate(&app, &token, body)
            .await
            .assert_bad_request(&json!([[text]]));
    }
    rotate(&app, &other, json!({})).await.assert_unauthorized();
    assert!(opens(&app, &token).await);
}

#[tokio::test]
async fn of_many_at_once_one_wins_and_says_so() {
    let app = TestApp::start().await;
    let first = app.create("b1").await;
    let answers = join_all((0..8).map(|_| rotate(&app, &first, json!({})))).await;
    let mut winners = Vec::new();
    for answer in answers {
        match answer.status.as_u16() {
            200 => winners.push(answer.body["hash"].as_str().unwrap().to_owned()),
            // It came after the winner, or saw the old token and was too late.
            401 => answer.assert_unauthorized(),
            _ => answer.assert_error(409, "Conflict", &json!(["The token was changed meanwhile"])),
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert!(opens(&app, &winners[0]).await && !opens(&app, &first).await);
}

#[tokio::test]
async fn who_deletes_meanwhile_deletes_the_new_token_too() {
    let app = TestApp::start_alone().await;
    let first = app.create("b1").await;
    let (rotated, deleted) = tokio::join!(
        rotate(&app, &first, json!({ "token": "T-2" })),
        app.delete("/instance/delete/b1").global().send()
    );
    assert_eq!(deleted.status, StatusCode::OK, "{}", deleted.body);
    assert!(
        [200, 401, 404].contains(&rotated.status.as_u16()),
        "{}",
        rotated.body
    );
    for key in [first.as_str(), "T-2"] {
        assert!(!opens(&app, key).await);
        // Nothing keeps it from being used again.
        let body = json!({ "instanceName": format!("new-{key}"), "token": key });
        let new = app.post("/instance/create").global().json(&body).await;
        assert_eq!(new.status, StatusCode::CREATED, "{}", new.body);
    }
}
