//! The API while no connector is alive.

use std::time::Duration;

use pombal_domain::{ConnectionState, Desired, Op, Reply};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::app::{Answer, LONG, SHORT, TestApp};
use crate::connector::{FakeConnector, in_state, open, project};

/// Time enough for a call that waits for nobody.
const AT_ONCE: Duration = Duration::from_secs(5);

/// As the API is, but where waiting may be of use it is short. In `logout` and `delete` it is
/// of none: there it is longer than [`AT_ONCE`].
async fn app() -> TestApp {
    let app = TestApp::start_with(|options| {
        options.connect_wait = SHORT;
        options.send_wait = SHORT;
    })
    .await;
    assert!(
        app.stores
            .registry
            .fleet()
            .await
            .unwrap()
            .connectors
            .is_empty()
    );
    assert!(LONG > AT_ONCE);
    app
}

async fn at_once(call: impl Future<Output = Answer>) -> Answer {
    let answer = timeout(AT_ONCE, call).await;
    answer.expect("a call waits for somebody who is not there")
}

/// An instance that was connected when the last connector went.
async fn left_open(app: &TestApp, name: &str) -> String {
    let token = app.create(name).await;
    let (registry, row) = (&app.stores.registry, app.stores.row(name).await);
    let wish = registry.set_desired(&row.name, row.id, Desired::Connected, None);
    let row = wish.await.unwrap();
    project(registry, &row, open(&row)).await;
    token
}

fn names(list: &Value) -> Vec<&str> {
    let rows = list.as_array().unwrap().iter();
    rows.map(|row| row["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn instances_are_created_listed_and_shown() {
    let app = app().await;
    for (name, qrcode) in [("b1", false), ("b2", true)] {
        let body = json!({
            "instanceName": name, "integration": "WHATSAPP-BAILEYS", "qrcode": qrcode,
        });
        let made = at_once(app.post("/instance/create").global().json(&body)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        assert_eq!(made.body["instance"]["instanceName"], name);
        assert_eq!(made.body["instance"]["status"], "close");
        let nothing = json!({ "pairingCode": null, "code": null, "base64": null, "count": 0 });
        let code = if qrcode { nothing } else { Value::Null };
        assert_eq!(made.body["qrcode"], code);

        let path = format!("/instance/connectionState/{name}");
        let token = made.body["hash"].as_str().unwrap();
        let state = at_once(app.get(&path).key(token).send()).await;
        let shown = json!({
            "instance": { "instanceName": name, "state": "close", "statusReason": 200 },
            "statusReason": 200,
        });
        state.assert_ok(200, &shown);
    }
    let list = at_once(app.get("/instance/fetchInstances").global().send()).await;
    assert_eq!(
        (list.status.as_u16(), names(&list.body)),
        (200, vec!["b1", "b2"])
    );
    // The first shows no need of a connector, the second waits for one.
    assert!(!app.stores.row("b1").await.needs_connector());
    assert!(app.stores.row("b2").await.needs_connector());
}

#[tokio::test]
async fn instances_are_configured_and_no_message_is_left_behind() {
    let app = app().await;
    let token = app.create("b1").await;
    let settings = json!({
        "rejectCall": true, "msgCall": "later", "groupsIgnore": false, "alwaysOnline": false,
        "readMessages": false, "readStatus": false, "syncFullHistory": false,
    });
    let webhook = json!({ "webhook": { "enabled": true, "url": "https://example.com/h" } });
    let sink = |kind: &str| json!({ kind: { "enabled": true, "events": ["CALL"] } });
    for (what, body) in [
        ("settings", settings),
        ("webhook", webhook),
        ("websocket", sink("websocket")),
        ("sqs", sink("sqs")),
    ] {
        let set = format!("/{what}/set/b1");
        let set = at_once(app.post(&set).key(&token).json(&body)).await;
        assert_eq!(set.status, 201, "{what}: {}", set.body);
        let find = format!("/{what}/find/b1");
        let found = at_once(app.get(&find).key(&token).send()).await;
        assert_eq!(found.status, 200, "{what}: {}", found.body);
        assert!(found.body.is_object(), "{what}: {}", found.body);
    }
    assert_eq!(app.stores.row("b1").await.settings.msg_call, "later");
    // A message that nobody takes for days would be an alarm about nothing.
    let left = app.commands.receive(10, Duration::ZERO).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_connection_is_wished_for_once_and_the_client_asks_again() {
    let app = app().await;
    let token = app.create("b1").await;
    let nothing = json!({
        "pairingCode": null, "code": null, "base64": null, "count": 0,
        "instance": { "instanceName": "b1", "state": "close" },
    });
    for _ in 0..3 {
        let answer = at_once(app.get("/instance/connect/b1").key(&token).send()).await;
        answer.assert_ok(200, &nothing);
    }
    let row = app.stores.row("b1").await;
    assert_eq!((row.desired, row.generation), (Desired::Connected, 1));
    assert!(row.needs_connector());
}

#[tokio::test]
async fn texts_are_accepted_where_they_can_be_sent_later() {
    let app = app().await;
    left_open(&app, "b1").await;
    app.create("b2").await;
    let text = json!({ "number": "5511999990001", "text": "Oi!" });
    let send = |name: &str| {
        let path = format!("/message/sendText/{name}");
        let (app, text) = (&app, &text);
        async move { app.post(&path).global().json(text).await }
    };
    let sent = at_once(send("b1")).await;
    assert_eq!(sent.status, 201, "{}", sent.body);
    assert_eq!(sent.body["status"], "PENDING");
    let queued = app.commands.receive(10, LONG).await.unwrap();
    let command: pombal_domain::Command = serde_json::from_str(&queued[0].body).unwrap();
    let Op::SendText(text) = command.op else {
        panic!("{command:?}")
    };
    assert_eq!(sent.body["key"]["id"], json!(text.message_id));
    let refused = at_once(send("b2")).await;
    refused.assert_bad_request(&json!(["Connection Closed"]));
}

#[tokio::test]
async fn a_logout_is_pending_and_done_by_the_next_connector() {
    let app = app().await;
    let token = left_open(&app, "b1").await;
    let logout = || app.delete("/instance/logout/b1").key(&token).send();
    let pending = json!({
        "status": "PENDING", "error": false,
        "response": { "message": "Instance logout is pending" },
    });
    at_once(logout()).await.assert_ok(200, &pending);
    let row = app.stores.row("b1").await;
    assert_eq!(row.desired, Desired::LoggedOut);
    assert!(row.needs_connector(), "nobody would come to do it");

    let connector = FakeConnector::start(&app, |_, row| {
        let closed = in_state(row.unwrap(), ConnectionState::Close);
        (Some(closed), Some(Reply::Done))
    });
    let done = async {
        while app.stores.row("b1").await.needs_connector() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LONG, done).await.expect("the wish is not settled");
    assert_eq!(connector.seen(), [Op::Reconcile]);
    let closed = json!(["The \"b1\" instance is not connected"]);
    at_once(logout()).await.assert_bad_request(&closed);
}

#[tokio::test]
async fn a_deletion_destroys_key_and_row_before_it_answers() {
    let app = app().await;
    let token = left_open(&app, "b1").await;
    let row = app.stores.row("b1").await;
    let delete = || app.delete("/instance/delete/b1").key(&token).send();
    let deleted = json!({
        "status": "SUCCESS", "error": false, "response": { "message": "Instance deleted" },
    });
    at_once(delete()).await.assert_ok(200, &deleted);
    let registry = &app.stores.registry;
    assert_eq!(registry.instance(&row.name).await.unwrap(), None);
    let content = registry.shard_content(row.shard).await.unwrap();
    assert!(content.instances.is_empty());
    assert_eq!(content.tombstones[0].id, row.id);
    // The token opens nothing any more, and the name is free.
    at_once(delete()).await.assert_unauthorized();
    assert_ne!(app.create("b1").await, token);
}
