//! `POST /instance/create`.

use pombal_domain::{ConnectionState, Desired, Op, Pairing};
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::connector::{FakeConnector, in_state, with_code};

async fn create(app: &TestApp, body: Value) -> crate::app::Answer {
    app.post("/instance/create").global().json(&body).await
}

#[tokio::test]
async fn v2_clients_get_the_token_as_a_string() {
    let app = TestApp::start().await;
    let answer = create(&app, json!({
        "instanceName": "b1", "integration": "WHATSAPP-BAILEYS", "token": "T-1", "qrcode": false,
        "number": null, "businessId": null, "groupsIgnore": true, "msgCall": "busy",
        "webhook": { "url": "https://example.com/h", "byEvents": true, "base64": false,
            "headers": { "x-a": "1" }, "events": ["CALL"] },
    }))
    .await;
    let row = app.stores.row("b1").await;
    answer.assert_ok(
        201,
        &json!({
            "instance": {
                "instanceName": "b1",
                "instanceId": row.id,
                "integration": "WHATSAPP-BAILEYS",
                "webhookWaBusiness": null,
                "accessTokenWaBusiness": "",
                "status": "close",
            },
            "hash": "T-1",
            "webhook": {
                "webhookUrl": "https://example.com/h",
                "webhookHeaders": { "x-a": "1" },
                "webhookByEvents": true,
                "webhookBase64": false,
            },
            "websocket": {}, "rabbitmq": {}, "nats": {}, "sqs": {},
            "settings": {
                "rejectCall": false, "msgCall": "busy", "groupsIgnore": true, "alwaysOnline": false,
                "readMessages": false, "readStatus": false, "syncFullHistory": false,
                "wavoipToken": "",
            },
        }),
    );
    assert_eq!((row.desired, row.generation), (Desired::Disconnected, 0));
    assert!(!String::from_utf8_lossy(&row.token_sealed).contains("T-1"));
}

#[tokio::test]
async fn v1_clients_get_the_token_in_an_object() {
    let app = TestApp::start().await;
    let answer = create(&app, json!({ "instanceName": "b1", "integration": null })).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.body["instance"]["status"], "created");
    assert_eq!(answer.body["instance"]["integration"], "WHATSAPP-BAILEYS");
    let token = answer.body["hash"]["apikey"].as_str().unwrap();
    assert!(uuid::Uuid::parse_str(token).is_ok() && token == token.to_uppercase());
    let state = app
        .get("/instance/connectionState/b1")
        .key(token)
        .send()
        .await;
    state.assert_ok(
        200,
        &json!({
            "instance": { "instanceName": "b1", "state": "close", "statusReason": 200 },
            "statusReason": 200,
        }),
    );
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let app = TestApp::start().await;
    create(&app, json!({ "instanceName": "b1", "token": "T" })).await;
    create(&app, json!({ "instanceName": "b1" }))
        .await
        .assert_error(
            403,
            "Forbidden",
            &json!(["This name \"b1\" is already in use."]),
        );
    for token in ["T", crate::app::GLOBAL_KEY] {
        create(&app, json!({ "instanceName": "b2", "token": token }))
            .await
            .assert_error(403, "Forbidden", &json!(["This token is already in use."]));
    }
    for integration in ["EVOLUTION", "x", ""] {
        let body = json!({ "instanceName": "b2", "integration": integration });
        create(&app, body)
            .await
            .assert_bad_request(&json!(["Invalid integration"]));
    }
    for (body, texts) in [
        (
            json!({ "instanceName": "" }),
            vec!["The \"instanceName\" cannot be empty"],
        ),
        (
            json!({ "instanceName": "a/b" }),
            vec!["instanceName must not have slashes, control characters or space at its ends"],
        ),
        (
            json!({ "instanceName": 1, "rejectCall": "no", "msgCall": 2 }),
            vec![
                "instanceName is not of a type(s) string",
                "rejectCall is not of a type(s) boolean",
                "msgCall is not of a type(s) string",
            ],
        ),
        (
            json!({ "instanceName": "b2", "number": "abc" }),
            vec![r#"number does not match pattern "^\\d+[\\.@\\w-]+""#],
        ),
        (
            json!({ "instanceName": "b2", "token": "a\nb" }),
            vec!["token can't be sent as a header"],
        ),
        (
            json!({ "instanceName": "b2", "msgCall": "x".repeat(101) }),
            vec!["msgCall does not meet maximum length of 100"],
        ),
        (
            json!({ "instanceName": "b2", "webhook": { "enabled": true } }),
            vec!["webhook requires property \"url\""],
        ),
    ] {
        create(&app, body).await.assert_bad_request(&json!([texts]));
    }
    // Nothing of all that left an instance behind.
    let all = app.get("/instance/fetchInstances").global().send().await;
    assert_eq!(all.body.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn legacy_webhook_fields_work() {
    let app = TestApp::start().await;
    for (name, body) in [
        (
            "flat",
            json!({ "webhookUrl": "https://example.com", "webhookByEvents": true,
            "webhookBase64": true, "webhookEvents": ["CALL", "GROUPS_UPDATE"] }),
        ),
        (
            "text",
            json!({ "webhook": "https://example.com", "webhook_by_events": true,
            "webhook_base64": true, "webhookEvents": ["CALL", "GROUP_UPDATE"] }),
        ),
    ] {
        let mut body = body;
        body["instanceName"] = json!(name);
        assert_eq!(create(&app, body).await.status, 201);
        let webhook = app.stores.row(name).await.webhook.unwrap();
        assert!(webhook.enabled && webhook.by_events && webhook.base64);
        assert_eq!(webhook.url, "https://example.com");
        let events: Vec<_> = webhook.events.iter().map(|e| e.config()).collect();
        assert_eq!(events, ["CALL", "GROUP_UPDATE"]);
    }
    let body = json!({ "instanceName": "none", "webhook": {}, "webhookUrl": "" });
    assert_eq!(create(&app, body).await.status, 201);
    assert_eq!(app.stores.row("none").await.webhook, None);
    let body = json!({ "instanceName": "off", "webhook": { "enabled": false, "url": "vazio" } });
    assert_eq!(create(&app, body).await.status, 201);
    let webhook = app.stores.row("off").await.webhook.unwrap();
    assert_eq!(
        (webhook.enabled, &*webhook.url, webhook.events.len()),
        (false, "vazio", 0)
    );
}

#[tokio::test]
async fn with_qrcode_it_waits_for_the_first_code() {
    let app = TestApp::start().await;
    let connector = FakeConnector::start(&app, |_, row| {
        let row = row.unwrap();
        let code = matches!(row.pairing, Pairing::Code { .. }).then_some("ABCD1234");
        (Some(with_code(row, code)), None)
    });
    let answer = create(&app, json!({ "instanceName": "b1", "qrcode": true })).await;
    assert_eq!(
        answer.body["qrcode"],
        json!({
            "pairingCode": null, "code": "2@ref,a,b,c", "base64": "data:image/png;base64,AAAA",
            "count": 1,
        })
    );
    let row = app.stores.row("b1").await;
    assert_eq!((row.desired, row.generation), (Desired::Connected, 1));
    let body = json!({ "instanceName": "b2", "integration": "WHATSAPP-BAILEYS", "qrcode": true,
        "number": "+55 11 99999-0001" });
    let answer = create(&app, body).await;
    assert_eq!(answer.body["qrcode"]["pairingCode"], "ABCD1234");
    assert_eq!(answer.body["instance"]["status"], "connecting");
    assert_eq!(connector.seen(), [Op::Reconcile, Op::Reconcile]);
}

#[tokio::test]
async fn without_a_code_it_is_created_all_the_same() {
    let nothing = json!({ "pairingCode": null, "code": null, "base64": null, "count": 0 });
    let alone = TestApp::start_alone().await;
    let answer = create(&alone, json!({ "instanceName": "b1", "qrcode": true })).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["qrcode"]),
        (201, &nothing)
    );

    let app = TestApp::start().await;
    let _connector = FakeConnector::start(&app, |_, row| {
        (Some(in_state(row.unwrap(), ConnectionState::Close)), None)
    });
    let answer = create(&app, json!({ "instanceName": "b1", "qrcode": true })).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["qrcode"]),
        (201, &nothing)
    );
}
