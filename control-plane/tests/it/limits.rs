//! Limits that an operator may set.

use std::num::{NonZeroU64, NonZeroUsize};

use axum::http::StatusCode;
use serde_json::json;

use crate::app::{Answer, TestApp};

/// Requests per key and minute in these tests.
const RATE: u64 = 3;
/// Enough of them to be one too many in one of two minutes.
const MANY: u64 = 2 * RATE + 1;

async fn limited() -> TestApp {
    TestApp::start_with(|options| {
        options.limits.requests_per_minute = NonZeroU64::new(RATE);
    })
    .await
}

/// Asks until it is refused for having asked too often.
async fn until_refused(app: &TestApp, path: &str, key: &str) -> Answer {
    for _ in 0..MANY {
        let answer = app.get(path).key(key).send().await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            return answer;
        }
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }
    panic!("{MANY} requests were let through");
}

#[tokio::test]
async fn a_key_that_is_used_too_often_has_to_wait() {
    let app = limited().await;
    let token = app.create("b1").await;
    let state = "/instance/connectionState/b1";
    let refused = until_refused(&app, state, &token).await;
    refused.assert_error(
        429,
        "Too Many Requests",
        &json!(["More than 3 requests per minute with this key"]),
    );
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    // Wherever it knocks.
    until_refused(&app, "/instance/fetchInstances", &token).await;
    // It is the key that has to wait, and nobody else.
    let mine = app.get(state).global().send().await;
    assert_eq!(mine.status, StatusCode::OK);
}

#[tokio::test]
async fn a_key_that_opens_nothing_is_not_counted() {
    let app = limited().await;
    app.create("b1").await;
    for _ in 0..2 * MANY {
        let path = "/instance/connectionState/b1";
        app.get(path)
            .key("wrong")
            .send()
            .await
            .assert_unauthorized();
    }
}

#[tokio::test]
async fn a_refused_creation_creates_nothing() {
    let app = limited().await;
    let create = async |n: u64| {
        let body = json!({ "instanceName": format!("b{n}"), "integration": "WHATSAPP-BAILEYS" });
        app.post("/instance/create").global().json(&body).await
    };
    let mut created = 0;
    for n in 0..MANY {
        match create(n).await.status {
            StatusCode::CREATED => created += 1,
            status => assert_eq!(status, StatusCode::TOO_MANY_REQUESTS),
        }
    }
    assert!(created < MANY);
    let count = app.stores.registry.count_instances().await.unwrap();
    assert_eq!(count as u64, created);
}

#[tokio::test]
async fn there_are_no_more_instances_than_there_may_be() {
    let app = TestApp::start_with(|options| options.limits.instances = NonZeroUsize::new(2)).await;
    app.create("b1").await;
    app.create("b2").await;
    let body = json!({ "instanceName": "b3", "integration": "WHATSAPP-BAILEYS" });
    let refused = app.post("/instance/create").global().json(&body).await;
    refused.assert_error(
        403,
        "Forbidden",
        &json!(["There may be no more than 2 instances"]),
    );
    assert_eq!(app.stores.registry.count_instances().await.unwrap(), 2);
    let gone = app.delete("/instance/delete/b1").global().send().await;
    assert_eq!(gone.status, StatusCode::OK, "{}", gone.body);
    app.create("b3").await;
}
