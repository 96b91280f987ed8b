//! Logout and delete.

use pombal_domain::{ConnectionState, Desired, InstanceName, Op, Reply, ShardId};
use serde_json::json;

use crate::app::TestApp;
use crate::connector::{FakeConnector, in_state, join, open, project};

#[tokio::test]
async fn logout_waits_until_it_is_done() {
    let app = TestApp::start().await;
    join(&app.stores.registry).await;
    app.create("b1").await;
    let logout = || app.delete("/instance/logout/b1").global().send();
    let closed = json!(["The \"b1\" instance is not connected"]);
    logout().await.assert_bad_request(&closed);

    let row = app.stores.row("b1").await;
    project(&app.stores.registry, &row, open(&row)).await;
    let connector = FakeConnector::start(&app, |_, row| {
        let row = row.unwrap();
        assert_eq!(row.desired, Desired::LoggedOut);
        (
            Some(in_state(row, ConnectionState::Close)),
            Some(Reply::Done),
        )
    });
    logout().await.assert_ok(
        200,
        &json!({
            "status": "SUCCESS", "error": false, "response": { "message": "Instance logged out" },
        }),
    );
    logout().await.assert_bad_request(&closed);
    assert_eq!(connector.seen(), [Op::Reconcile]);
}

#[tokio::test]
async fn logout_without_an_answer_is_pending() {
    let app = TestApp::start_alone().await;
    join(&app.stores.registry).await;
    app.create("b1").await;
    let row = app.stores.row("b1").await;
    project(&app.stores.registry, &row, open(&row)).await;
    for _ in 0..2 {
        app.delete("/instance/logout/b1")
            .global()
            .send()
            .await
            .assert_ok(
                200,
                &json!({
                    "status": "PENDING", "error": false,
                    "response": { "message": "Instance logout is pending" },
                }),
            );
    }
    assert_eq!(app.stores.row("b1").await.desired, Desired::LoggedOut);
}

#[tokio::test]
async fn delete_removes_row_and_key_even_when_no_connector_is_alive() {
    let app = TestApp::start_alone().await;
    app.create("b1").await;
    let row = app.stores.row("b1").await;
    app.delete("/instance/delete/b1")
        .global()
        .send()
        .await
        .assert_ok(
            200,
            &json!({
                "status": "SUCCESS", "error": false, "response": { "message": "Instance deleted" },
            }),
        );
    let name = InstanceName::parse("b1").unwrap();
    assert_eq!(app.stores.registry.instance(&name).await.unwrap(), None);
    let content = app.stores.registry.shard_content(ShardId(0)).await.unwrap();
    assert_eq!(
        (content.instances.len(), content.tombstones[0].id),
        (0, row.id)
    );
    app.delete("/instance/delete/b1")
        .global()
        .send()
        .await
        .assert_error(
            404,
            "Not Found",
            &json!(["The \"b1\" instance does not exist"]),
        );
    // Name and token are free again.
    app.create("b1").await;
}

#[tokio::test]
async fn delete_waits_for_the_owner() {
    let app = TestApp::start().await;
    join(&app.stores.registry).await;
    app.create("b1").await;
    let connector = FakeConnector::start(&app, |_, row| {
        assert!(row.is_none());
        (None, Some(Reply::Done))
    });
    let answer = app.delete("/instance/delete/b1").global().send().await;
    assert_eq!(answer.body["status"], "SUCCESS");
    assert_eq!(connector.seen(), [Op::Reconcile]);
}
