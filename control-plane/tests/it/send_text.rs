//! `POST /message/sendText/{name}`.

use pombal_domain::event::pending_text;
use pombal_domain::time::UnixMs;
use pombal_domain::{ConnectionState, Desired, Op, Reply};
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};
use crate::connector::{FakeConnector, in_state, open, project};

async fn connected(app: &TestApp) {
    app.create("b1").await;
    let row = app.stores.row("b1").await;
    let registry = &app.stores.registry;
    let row = registry
        .set_desired(&row.name, row.id, Desired::Connected, None)
        .await
        .unwrap();
    project(registry, &row, open(&row)).await;
}

async fn send(app: &TestApp, body: Value) -> Answer {
    app.post("/message/sendText/b1").global().json(&body).await
}

#[tokio::test]
async fn bodies_are_checked_in_the_schemas_order() {
    let app = TestApp::start_alone().await;
    connected(&app).await;
    for (body, message) in [
        (
            json!({}),
            json!([[
                "instance requires property \"number\"",
                "instance requires property \"text\""
            ]]),
        ),
        (
            json!({ "text": "x", "number": null }),
            json!([["instance requires property \"number\""]]),
        ),
        (
            json!({ "number": 5511, "text": "x" }),
            json!([["Invalid format"]]),
        ),
        (
            json!({ "number": "5511999990001" }),
            json!([["instance requires property \"text\""]]),
        ),
        (
            json!({ "number": "5511999990001", "text": "  " }),
            json!(["Text is required"]),
        ),
        (
            json!({ "number": "5511999990001", "text": 1 }),
            json!([["text is not of a type(s) string"]]),
        ),
        (
            json!({ "number": "5511999990001", "text": "x", "delay": "soon", "mentioned": [1] }),
            json!([[
                "Enter a value in milliseconds",
                "\"mentioned\" must be an array of numeric strings"
            ]]),
        ),
        (
            json!({ "number": "5511999990001", "text": "x", "quoted": { "key": {} } }),
            json!([["quoted.key requires property \"id\""]]),
        ),
        (
            json!({ "number": "nobody", "text": "x" }),
            json!([[r#"number does not match pattern "^\\d+[\\.@\\w-]+""#]]),
        ),
        (
            json!({ "number": "1", "textMessage": {} }),
            json!([["textMessage requires property \"text\""]]),
        ),
        (
            json!({ "number": "5511999990001", "text": "x".repeat(65_537) }),
            json!([["text does not meet maximum length of 65536"]]),
        ),
    ] {
        send(&app, body).await.assert_bad_request(&message);
    }
}

#[tokio::test]
async fn the_reply_of_the_connector_is_the_answer() {
    let app = TestApp::start().await;
    connected(&app).await;
    let connector = FakeConnector::start(&app, |command, _| {
        let Op::SendText(text) = &command.op else {
            panic!("{:?}", command.op)
        };
        let reply = match text.text.as_str() {
            "ok" => {
                let data = pending_text(command.instance, text, UnixMs(5000));
                Reply::Sent {
                    message: Box::new(data),
                }
            }
            "nobody" => Reply::NotOnWhatsApp { jid: text.to.jid() },
            "late" => Reply::TimedOut,
            other => Reply::Failed {
                message: other.to_owned(),
            },
        };
        (None, Some(reply))
    });
    let to = |text: &str| json!({ "number": "+55 (11) 99999-0001", "text": text });
    let sent = send(&app, to("ok")).await;
    let Op::SendText(text) = &connector.seen()[0] else {
        panic!("no text")
    };
    sent.assert_ok(
        201,
        &json!({
            "key": {
                "remoteJid": "5511999990001@s.whatsapp.net", "fromMe": true, "id": text.message_id,
            },
            "pushName": "Você",
            "status": "PENDING",
            "message": { "conversation": "ok" },
            "messageType": "conversation",
            "messageTimestamp": 5,
            "instanceId": app.stores.row("b1").await.id,
            "source": "web",
        }),
    );
    send(&app, to("nobody")).await.assert_bad_request(&json!([{
        "jid": "5511999990001@s.whatsapp.net", "exists": false, "number": "+55 (11) 99999-0001",
    }]));
    send(&app, to("broken"))
        .await
        .assert_bad_request(&json!(["broken"]));
    send(&app, to("late"))
        .await
        .assert_bad_request(&json!(["Timed Out"]));
}

#[tokio::test]
async fn without_an_answer_the_message_is_pending_and_durable() {
    let app = TestApp::start_alone().await;
    connected(&app).await;
    // A v1 body, answered by nobody.
    let answer = send(&app, json!({
        "number": "120363021033254949@g.us",
        "textMessage": { "text": "hi" },
        "options": {
            "delay": 1200, "presence": "composing",
            "quoted": { "key": { "id": "3EB0AA", "fromMe": true }, "message": { "conversation": "q" } },
            "mentions": { "everyOne": false, "mentioned": ["5511999990001"] },
        },
    }))
    .await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.body["status"], "PENDING");
    assert_eq!(
        answer.body["contextInfo"],
        json!({
            "stanzaId": "3EB0AA",
            "quotedMessage": { "conversation": "q" },
            "mentionedJid": ["5511999990001@s.whatsapp.net"],
        })
    );
    let queued = app.commands.receive(10, crate::app::LONG).await.unwrap();
    let command: pombal_domain::Command = serde_json::from_str(&queued[0].body).unwrap();
    let left = command.not_after.until(UnixMs::now()).as_secs();
    assert!((590..=600).contains(&left) && command.reply);
    let Op::SendText(text) = command.op else {
        panic!("no text")
    };
    assert_eq!(answer.body["key"]["id"], json!(text.message_id));
    assert_eq!(answer.body["key"]["remoteJid"], "120363021033254949@g.us");
    assert_eq!((text.delay_ms, text.mentioned.len()), (1200, 1));
    assert!(text.quoted.unwrap().from_me);
}

#[tokio::test]
async fn a_closed_connection_takes_nothing() {
    let app = TestApp::start_alone().await;
    connected(&app).await;
    let registry = &app.stores.registry;
    let closed = json!(["Connection Closed"]);
    let body = || json!({ "number": "5511999990001", "text": "x" });
    for state in [ConnectionState::Close, ConnectionState::Connecting] {
        // No own JID: there is nothing to come back to.
        let row = app.stores.row("b1").await;
        project(registry, &row, in_state(&row, state)).await;
        send(&app, body()).await.assert_bad_request(&closed);
    }
    let row = app.stores.row("b1").await;
    let mut reconnecting = open(&row);
    reconnecting.state = ConnectionState::Connecting;
    project(registry, &row, reconnecting).await;
    assert_eq!(send(&app, body()).await.status, 201);
    registry
        .set_desired(&row.name, row.id, Desired::LoggedOut, None)
        .await
        .unwrap();
    send(&app, body()).await.assert_bad_request(&closed);
}
