//! `POST /webhook/set/{name}` and `GET /webhook/find/{name}`.

use pombal_domain::EventName;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};

async fn set(app: &TestApp, body: Value) -> Answer {
    app.post("/webhook/set/b1").global().json(&body).await
}

#[tokio::test]
async fn set_merges_and_find_shows() {
    let app = TestApp::start().await;
    let token = app.create("b1").await;
    let find = || app.get("/webhook/find/b1").key(&token).send();
    find().await.assert_ok(200, &json!(null));

    let first = set(
        &app,
        json!({ "webhook": {
            "enabled": true, "url": "https://example.com/h", "headers": { "x-a": "1", "n": 2 },
            "byEvents": true, "base64": true, "events": ["CALL", "GROUPS_UPDATE", "CALL"],
        }}),
    )
    .await;
    let row = app.stores.row("b1").await;
    let webhook = row.webhook.unwrap();
    first.assert_ok(
        201,
        &json!({
            "id": webhook.id,
            "url": "https://example.com/h",
            "headers": { "x-a": "1", "n": "2" },
            "enabled": true,
            "events": ["CALL", "GROUP_UPDATE"],
            "webhookByEvents": true,
            "webhookBase64": true,
            "createdAt": webhook.created_at.iso8601(),
            "updatedAt": webhook.updated_at.iso8601(),
            "instanceId": row.id,
        }),
    );
    find().await.assert_ok(200, &first.body);

    // Left out: headers, byEvents, base64 stay; events mean all.
    let second = set(
        &app,
        json!({ "webhook": { "enabled": true, "url": "https://example.com/2" } }),
    )
    .await;
    assert_eq!(second.body["id"], first.body["id"]);
    assert_eq!(second.body["headers"], first.body["headers"]);
    assert_eq!(second.body["webhookByEvents"], true);
    assert_eq!(second.body["webhookBase64"], true);
    assert_eq!(
        second.body["events"].as_array().unwrap().len(),
        EventName::ALL.len()
    );

    // n8n's way of switching it off.
    let third = set(
        &app,
        json!({ "webhook": {
            "enabled": false, "url": "vazio", "events": ["CALL"], "webhookByEvents": false,
            "webhookBase64": false,
        }}),
    )
    .await;
    assert_eq!(third.status, 201);
    assert_eq!(third.body["events"], json!([]));
    assert_eq!(
        (&third.body["url"], &third.body["webhookByEvents"]),
        (&json!("vazio"), &json!(false))
    );
}

#[tokio::test]
async fn flat_and_snake_case_bodies_work() {
    let app = TestApp::start().await;
    app.create("b1").await;
    for body in [
        json!({ "url": "https://example.com", "webhook_by_events": true, "webhook_base64": true, "events": ["CALL"] }),
        json!({ "enabled": true, "url": "https://example.com", "webhookByEvents": true, "webhookBase64": true, "events": ["CALL"] }),
        json!({ "enabled": null, "url": "https://example.com", "byEvents": "true", "base64": true, "events": ["CALL"] }),
        json!({ "webhook": "https://example.com", "webhookByEvents": true, "webhookBase64": true, "webhookEvents": ["CALL"] }),
    ] {
        let answer = set(&app, body.clone()).await;
        assert_eq!(answer.status, 201, "{body}: {}", answer.body);
        assert_eq!(answer.body["url"], "https://example.com");
        assert_eq!(answer.body["events"], json!(["CALL"]));
        assert_eq!(
            (
                &answer.body["webhookByEvents"],
                &answer.body["webhookBase64"]
            ),
            (&json!(true), &json!(true))
        );
        // Back to the defaults.
        set(
            &app,
            json!({ "url": "https://example.org", "byEvents": false, "base64": false }),
        )
        .await;
    }
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let app = TestApp::start().await;
    app.create("b1").await;
    let names: Vec<_> = EventName::ALL.iter().map(|e| e.config()).collect();
    let not_one = |i: usize| {
        format!(
            "webhook.events[{i}] is not one of enum values: {}",
            names.join(",")
        )
    };
    for (body, message) in [
        (
            json!({}),
            json!([["instance requires property \"webhook\""]]),
        ),
        (
            json!({ "webhook": 1 }),
            json!(["webhook is not of a type(s) object"].map(|t| [t])),
        ),
        (
            json!({ "webhook": { "enabled": true } }),
            json!([["webhook requires property \"url\""]]),
        ),
        (
            json!({ "enabled": true }),
            json!([["webhook requires property \"url\""]]),
        ),
        (
            json!({ "webhook": { "enabled": true, "url": "vazio" } }),
            json!(["Invalid \"url\" property"]),
        ),
        (
            json!({ "webhook": { "url": "ftp://example.com" } }),
            json!(["Invalid \"url\" property"]),
        ),
        (
            json!({ "webhook": { "url": "https://" } }),
            json!(["Invalid \"url\" property"]),
        ),
        (
            json!({ "webhook": { "enabled": 1, "url": 2, "headers": [], "byEvents": 3, "events": "CALL" } }),
            json!([[
                "webhook.enabled is not of a type(s) boolean",
                "webhook.url is not of a type(s) string",
                "webhook.headers is not of a type(s) object",
                "webhook.byEvents is not of a type(s) boolean",
                "webhook.events is not of a type(s) array",
            ]]),
        ),
        (
            json!({ "webhook": { "url": "https://example.com", "events": ["call", "CALL", 1] } }),
            json!([[not_one(0), not_one(2)]]),
        ),
        (
            json!({ "webhook": { "url": "https://example.com", "headers": { "a b": "1" } } }),
            json!([["webhook.headers can't be sent as a header"]]),
        ),
    ] {
        set(&app, body).await.assert_bad_request(&message);
    }
    for url in [
        "http://127.0.0.1/x",
        "http://localhost:1",
        "http://[::1]/",
        "http://169.254.169.254/",
    ] {
        let answer = set(&app, json!({ "url": url })).await;
        assert_eq!(answer.status, 400);
        let text = answer.body["response"]["message"][0].as_str().unwrap();
        assert!(
            text.starts_with("The \"url\" is not allowed: address "),
            "{text}"
        );
    }
    assert_eq!(app.stores.row("b1").await.webhook, None);
}
