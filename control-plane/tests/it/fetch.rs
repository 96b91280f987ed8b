//! `GET /instance/fetchInstances`.

use pombal_domain::StatusReason;
use pombal_domain::instance::Disconnection;
use pombal_domain::time::UnixMs;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::connector::{open, project};

#[tokio::test]
async fn a_row_has_every_key_of_the_original() {
    let app = TestApp::start().await;
    let body = json!({ "instanceName": "b1", "token": "T-1", "number": "5511999990001" });
    app.post("/instance/create").global().json(&body).await;
    let row = app.stores.row("b1").await;
    let mut observed = open(&row);
    let at = UnixMs(1_700_000_000_000);
    observed.disconnection = Some(Disconnection {
        reason: StatusReason(428),
        text: "t".into(),
        at,
    });
    project(&app.stores.registry, &row, observed).await;

    let answer = app.get("/instance/fetchInstances").global().send().await;
    let created = row.created_at.iso8601();
    answer.assert_ok(
        200,
        &json!([{
            "id": row.id,
            "name": "b1",
            "instanceName": "b1",
            "connectionStatus": "open",
            "ownerJid": "5511999990001@s.whatsapp.net",
            "profileName": "Ana",
            "profilePicUrl": null,
            "integration": "WHATSAPP-BAILEYS",
            "number": "5511999990001",
            "businessId": null,
            "token": "T-1",
            "clientName": "evolution",
            "disconnectionReasonCode": 428,
            "disconnectionObject": answer.body[0]["disconnectionObject"],
            "disconnectionAt": "2023-11-14T22:13:20.000Z",
            "createdAt": created,
            "updatedAt": created,
            "Chatwoot": null, "Proxy": null, "Rabbitmq": null, "Nats": null, "Sqs": null,
            "Websocket": null,
            "Setting": {
                "id": row.id,
                "rejectCall": false, "msgCall": "", "groupsIgnore": false, "alwaysOnline": false,
                "readMessages": false, "readStatus": false, "syncFullHistory": false,
                "wavoipToken": "",
                "createdAt": created, "updatedAt": created, "instanceId": row.id,
            },
            "_count": { "Message": 0, "Contact": 0, "Chat": 0 },
        }]),
    );
    let object: Value =
        serde_json::from_str(answer.body[0]["disconnectionObject"].as_str().unwrap()).unwrap();
    assert_eq!(object["error"]["output"]["statusCode"], 428);
}

#[tokio::test]
async fn filters_and_scopes() {
    let app = TestApp::start().await;
    app.get("/instance/fetchInstances")
        .global()
        .send()
        .await
        .assert_ok(200, &json!([]));
    let body = json!({ "instanceName": "b1", "token": "T-1", "number": "5511999990001" });
    app.post("/instance/create").global().json(&body).await;
    for i in 2..=105 {
        app.create(&format!("b{i}")).await;
    }
    let b1 = app.stores.row("b1").await.id;
    let b2 = app.stores.row("b2").await.id;
    let fetch = async |key: &str, query: &str| {
        app.get(&format!("/instance/fetchInstances{query}"))
            .key(key)
            .send()
            .await
    };
    let global = crate::app::GLOBAL_KEY;
    let names = |body: &Value| -> Vec<String> {
        body.as_array()
            .unwrap()
            .iter()
            .map(|i| i["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&fetch(global, "").await.body).len(), 105);
    assert_eq!(
        names(&fetch(global, "?instanceName=").await.body).len(),
        105
    );
    for (key, query) in [
        (global, "?instanceName=b1".to_owned()),
        (global, format!("?instanceId={b1}")),
        (global, "?number=5511999990001".to_owned()),
        (
            global,
            format!("?number=5511999990001&instanceId={b1}&instanceName=b1"),
        ),
        ("T-1", String::new()),
        ("T-1", "?instanceName=b1".to_owned()),
        ("T-1", format!("?instanceId={b1}")),
        ("T-1", "?number=5511999990001".to_owned()),
    ] {
        let answer = fetch(key, &query).await;
        assert_eq!(names(&answer.body), ["b1"], "{key} {query}");
        assert_eq!(answer.body[0]["token"], "T-1");
    }
    for (query, shown) in [
        ("?instanceName=ghost", "ghost"),
        ("?instanceName=a/b", "a/b"),
        ("?instanceId=nope", "nope"),
        ("?number=123456", "123456"),
    ] {
        let text = json!([format!("Instance \"{shown}\" not found")]);
        fetch(global, query)
            .await
            .assert_error(404, "Not Found", &text);
    }
    for query in [
        "?instanceName=b2".to_owned(),
        "?instanceName=ghost".into(),
        format!("?instanceId={b2}"),
    ] {
        fetch("T-1", &query).await.assert_unauthorized();
    }
}
