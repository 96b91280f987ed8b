//! `POST /instance/setPresence/{name}`.

use pombal_domain::command::OwnPresence;
use pombal_domain::{Op, Reply};
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};
use crate::connector::{FakeConnector, join, open, project};

async fn set(app: &TestApp, body: &Value) -> Answer {
    app.post("/instance/setPresence/b1")
        .global()
        .json(body)
        .await
}

/// An API with an instance that is open, as far as anybody knows.
async fn with_open() -> TestApp {
    let app = TestApp::start().await;
    app.create("b1").await;
    let row = app.stores.row("b1").await;
    project(&app.stores.registry, &row, open(&row)).await;
    join(&app.stores.registry).await;
    app
}

#[tokio::test]
async fn a_presence_is_set_by_the_owner() {
    let app = with_open().await;
    let connector = FakeConnector::start(&app, |_, _| (None, Some(Reply::Done)));
    for presence in OwnPresence::ALL {
        let body = json!({ "presence": presence.as_str() });
        set(&app, &body).await.assert_ok(201, &body);
    }
    let wanted = OwnPresence::ALL.map(|presence| Op::SetPresence { presence });
    assert_eq!(connector.seen(), wanted);
}

#[tokio::test]
async fn without_a_connection_there_is_nobody_to_tell() {
    let app = TestApp::start().await;
    app.create("b1").await;
    let body = json!({ "presence": "available" });
    let closed = json!(["Connection Closed"]);
    set(&app, &body).await.assert_bad_request(&closed);
    // The row may be late.
    let app = with_open().await;
    let connector = FakeConnector::start(&app, |_, _| {
        let message = "Connection Closed".to_owned();
        (None, Some(Reply::Failed { message }))
    });
    set(&app, &body).await.assert_bad_request(&closed);
    assert_eq!(connector.seen().len(), 1);
}

#[tokio::test]
async fn a_bad_presence_is_named() {
    let app = with_open().await;
    for (body, text) in [
        (json!({}), "instance requires property \"presence\""),
        (
            json!({ "presence": "busy" }),
            "presence is not one of enum values: unavailable,available,composing,recording,paused",
        ),
        (
            json!({ "presence": 1 }),
            "presence is not of a type(s) string",
        ),
    ] {
        set(&app, &body).await.assert_bad_request(&json!([[text]]));
    }
}
