//! Connecting, and polling for the code.

use pombal_domain::instance::Disconnection;
use pombal_domain::time::UnixMs;
use pombal_domain::{ConnectionState, Desired, Op, Pairing, Reply, StatusReason};
use serde_json::json;

use crate::app::TestApp;
use crate::connector::{FakeConnector, in_state, open, project, with_code};

#[tokio::test]
async fn connect_answers_with_the_code_and_polling_disturbs_nothing() {
    let app = TestApp::start().await;
    let token = app.create("b1").await;
    let connector =
        FakeConnector::start(&app, |_, row| (Some(with_code(row.unwrap(), None)), None));
    let code = json!({
        "pairingCode": null, "code": "2@ref,a,b,c", "base64": "data:image/png;base64,AAAA",
        "count": 1,
    });
    for _ in 0..3 {
        app.get("/instance/connect/b1")
            .key(&token)
            .send()
            .await
            .assert_ok(200, &code);
        app.post("/instance/connect/b1")
            .key(&token)
            .send()
            .await
            .assert_ok(200, &code);
    }
    let row = app.stores.row("b1").await;
    assert_eq!((row.desired, row.generation), (Desired::Connected, 1));
    assert_eq!(connector.seen(), [Op::Reconcile]);
}

#[tokio::test]
async fn a_number_asks_for_a_pairing_code() {
    let app = TestApp::start().await;
    app.create("b1").await;
    let _connector = FakeConnector::start(&app, |_, row| {
        let row = row.unwrap();
        let code = match &row.pairing {
            Pairing::Code { phone } => Some(if phone.as_str().ends_with('1') {
                "A"
            } else {
                "B"
            }),
            Pairing::Qr => None,
        };
        (Some(with_code(row, code)), None)
    });
    let answer = app
        .get("/instance/connect/b1?number=5511999990001")
        .global()
        .send()
        .await;
    assert_eq!(answer.body["pairingCode"], "A", "{}", answer.body);
    // Polling without the number keeps the pairing.
    let answer = app.get("/instance/connect/b1").global().send().await;
    assert_eq!(answer.body["pairingCode"], "A");
    let post = app.post("/instance/connect/b1").global();
    let answer = post.json(&json!({ "number": "5511999990002" })).await;
    assert_eq!(answer.body["pairingCode"], "B");
    assert_eq!(app.stores.row("b1").await.generation, 2);
    let bad = app
        .get("/instance/connect/b1?number=abc")
        .global()
        .send()
        .await;
    bad.assert_bad_request(&json!([[
        r#"number does not match pattern "^\\d+[\\.@\\w-]+""#
    ]]));
}

#[tokio::test]
async fn an_open_instance_says_so() {
    let app = TestApp::start().await;
    app.create("b1").await;
    let connector = FakeConnector::start(&app, |_, row| (Some(open(row.unwrap())), None));
    let reply = json!({ "instance": { "instanceName": "b1", "state": "open" } });
    app.get("/instance/connect/b1")
        .global()
        .send()
        .await
        .assert_ok(200, &reply);
    app.get("/instance/connect/b1")
        .global()
        .send()
        .await
        .assert_ok(200, &reply);
    assert_eq!(connector.seen().len(), 1);
}

#[tokio::test]
async fn a_refused_connection_says_why_and_the_next_call_tries_again() {
    let app = TestApp::start().await;
    app.create("b1").await;
    let connector = FakeConnector::start(&app, |_, row| {
        let row = row.unwrap();
        let mut observed = in_state(row, ConnectionState::Close);
        observed.reason = StatusReason(403);
        if row.generation == 2 {
            let (reason, at) = (StatusReason(403), UnixMs::now());
            observed.disconnection = Some(Disconnection {
                reason,
                text: "told".into(),
                at,
            });
        }
        (Some(observed), None)
    });
    let connect = || app.get("/instance/connect/b1").global().send();
    let table = json!(["connection closed: forbidden: account banned"]);
    connect().await.assert_bad_request(&table);
    connect()
        .await
        .assert_bad_request(&json!(["connection closed: told"]));
    assert_eq!(connector.seen().len(), 2);
}

#[tokio::test]
async fn when_nobody_answers_the_client_can_ask_again() {
    let app = TestApp::start_alone().await;
    app.create("b1").await;
    let nothing = json!({
        "pairingCode": null, "code": null, "base64": null, "count": 0,
        "instance": { "instanceName": "b1", "state": "close" },
    });
    app.get("/instance/connect/b1")
        .global()
        .send()
        .await
        .assert_ok(200, &nothing);
    app.get("/instance/connect/b1")
        .global()
        .send()
        .await
        .assert_ok(200, &nothing);
    assert_eq!(app.stores.row("b1").await.generation, 1);
    // What the owner saw before the wish, and a code that has expired, are no answers.
    let row = app.stores.row("b1").await;
    let mut observed = with_code(&row, None);
    observed.qr.as_mut().unwrap().expires_at = UnixMs(1);
    project(&app.stores.registry, &row, observed).await;
    let answer = app.get("/instance/connect/b1").global().send().await;
    assert_eq!(
        (&answer.body["code"], &answer.body["count"]),
        (&json!(null), &json!(0))
    );
    assert_eq!(answer.body["instance"]["state"], "connecting");
}

#[tokio::test]
async fn restart_makes_a_new_socket() {
    let app = TestApp::start().await;
    app.create("b1").await;
    let connector =
        FakeConnector::start(&app, |_, row| (Some(open(row.unwrap())), Some(Reply::Done)));
    let reply = json!({ "instance": { "instanceName": "b1", "state": "open" } });
    // From `close` it connects; then it restarts, by either method.
    app.post("/instance/restart/b1")
        .global()
        .send()
        .await
        .assert_ok(200, &reply);
    app.post("/instance/restart/b1")
        .global()
        .send()
        .await
        .assert_ok(200, &reply);
    app.call(axum::http::Method::PUT, "/instance/restart/b1")
        .global()
        .send()
        .await
        .assert_ok(200, &reply);
    assert_eq!(connector.seen(), [Op::Reconcile, Op::Restart, Op::Restart]);
    drop(connector);
    let _connector = FakeConnector::start(&app, |_, _| {
        (
            None,
            Some(Reply::Failed {
                message: "no".into(),
            }),
        )
    });
    app.post("/instance/restart/b1")
        .global()
        .send()
        .await
        .assert_bad_request(&json!(["no"]));
}
