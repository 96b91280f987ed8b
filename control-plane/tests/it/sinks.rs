//! `POST /websocket/set/{name}`, `POST /sqs/set/{name}` and their `find`.

use pombal_domain::EventName;
use serde_json::{Value, json};

use crate::app::{Answer, GLOBAL_KEY, TestApp};

async fn post(app: &TestApp, path: &str, key: &str, body: Value) -> Answer {
    app.post(path).key(key).json(&body).await
}

#[tokio::test]
async fn set_replaces_and_find_shows() {
    let app = TestApp::start().await;
    let token = app.create("b1").await;
    for kind in ["websocket", "sqs"] {
        let set = format!("/{kind}/set/b1");
        let find = || app.get(&format!("/{kind}/find/b1")).key(&token).send();
        find().await.assert_ok(200, &json!(null));

        let body =
            json!({ kind: { "enabled": true, "events": ["CALL", "GROUPS_UPDATE", "CALL"] } });
        let first = post(&app, &set, &token, body).await;
        assert_eq!(first.status, 201);
        assert_eq!(first.body["events"], json!(["CALL", "GROUP_UPDATE"]));
        assert_eq!(first.body["enabled"], true);
        assert_eq!(
            first.body["instanceId"],
            json!(app.stores.row("b1").await.id)
        );
        find().await.assert_ok(200, &first.body);

        // The Python client's flat body; no events mean all of them.
        let second = post(&app, &set, GLOBAL_KEY, json!({ "enabled": true })).await;
        assert_eq!(
            (second.status.as_u16(), &second.body["id"]),
            (201, &first.body["id"])
        );
        assert_eq!(
            second.body["events"].as_array().unwrap().len(),
            EventName::ALL.len()
        );

        let off = post(
            &app,
            &set,
            GLOBAL_KEY,
            json!({ kind: { "enabled": false, "events": ["CALL"] } }),
        )
        .await;
        assert_eq!(
            (&off.body["enabled"], &off.body["events"]),
            (&json!(false), &json!([]))
        );
        let rows = app.get("/instance/fetchInstances").global().send().await;
        let relation = if kind == "sqs" { "Sqs" } else { "Websocket" };
        assert_eq!(rows.body[0][relation], off.body);
    }
}

#[tokio::test]
async fn bad_sinks_are_refused_and_change_nothing() {
    let app = TestApp::start().await;
    let token = app.create("b1").await;
    let other = app.create("b2").await;
    let set = |body| post(&app, "/websocket/set/b1", &token, body);
    for (body, text) in [
        (json!({}), "websocket requires property \"enabled\""),
        (
            json!({ "websocket": 1 }),
            "websocket is not of a type(s) object",
        ),
        (
            json!({ "websocket": { "enabled": "maybe" } }),
            "websocket.enabled is not of a type(s) boolean",
        ),
        (
            json!({ "websocket": { "enabled": true, "events": "CALL" } }),
            "websocket.events is not of a type(s) array",
        ),
    ] {
        set(body).await.assert_bad_request(&json!([[text]]));
    }
    let unknown = set(json!({ "websocket": { "enabled": true, "events": ["NOPE"] } })).await;
    let text = unknown.body["response"]["message"][0][0]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        text.starts_with("websocket.events[0] is not one of enum values: APPLICATION_STARTUP,"),
        "{text}"
    );
    let body = json!({ "websocket": { "enabled": true } });
    post(&app, "/websocket/set/b1", &other, body)
        .await
        .assert_unauthorized();
    assert_eq!(app.stores.row("b1").await.websocket, None);
}

#[tokio::test]
async fn create_takes_sinks_in_both_spellings() {
    let app = TestApp::start().await;
    let body = json!({
        "instanceName": "b1", "integration": "WHATSAPP-BAILEYS",
        "websocket": { "enabled": true, "events": ["CALL"] },
        "sqsEnabled": false, "sqsEvents": [],
    });
    let answer = post(&app, "/instance/create", GLOBAL_KEY, body).await;
    assert_eq!(answer.body["websocket"], json!({ "enabled": true }));
    assert_eq!(answer.body["sqs"], json!({ "enabled": false }));
    let row = app.stores.row("b1").await;
    assert_eq!(row.websocket.unwrap().events, [EventName::Call]);
    assert!(row.sqs.unwrap().events.is_empty());

    let body = json!({
        "instanceName": "b2", "integration": "WHATSAPP-BAILEYS", "websocket": "yes",
    });
    let bad = post(&app, "/instance/create", GLOBAL_KEY, body).await;
    bad.assert_bad_request(&json!([["websocket is not of a type(s) object"]]));
}
