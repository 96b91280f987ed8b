//! `GET /instance/fetchInstances`.

use futures::StreamExt;
use pombal_domain::instance::Disconnection;
use pombal_domain::time::UnixMs;
use pombal_domain::{Instance, InstanceId, InstanceName, StatusReason};
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
    let two = fetch(global, "?instanceName=b3&instanceName[]=b1").await;
    assert_eq!(names(&two.body), ["b3", "b1"]);
    fetch(global, "?instanceName=x&instanceName=b1&instanceName=y")
        .await
        .assert_error(404, "Not Found", &json!(["Instances \"x, y\" not found"]));
    for query in [
        "?instanceName=b2".to_owned(),
        "?instanceName=ghost".into(),
        "?instanceName=b1&instanceName=b2".into(),
        format!("?instanceId={b2}"),
    ] {
        fetch("T-1", &query).await.assert_unauthorized();
    }
}

/// Rows straight into the registry: the API would take its time for so many.
async fn fill(app: &TestApp, count: usize) {
    let body = json!({ "instanceName": "i0000", "number": "5511999990001" });
    app.post("/instance/create").global().json(&body).await;
    let first = app.stores.row("i0000").await;
    let rows = (1..count).map(|i| {
        let row = Instance {
            id: InstanceId::random(),
            name: InstanceName::parse(&format!("i{i:04}")).unwrap(),
            token_hash: format!("{i:064}"),
            ..first.clone()
        };
        async move { app.stores.registry.create_instance(&row).await.unwrap() }
    });
    futures::stream::iter(rows)
        .buffer_unordered(32)
        .collect::<Vec<()>>()
        .await;
}

#[tokio::test]
async fn more_than_a_thousand_come_in_pages() {
    let app = TestApp::start().await;
    fill(&app, 1005).await;
    let fetch = async |query: &str| {
        let path = format!("/instance/fetchInstances?{query}");
        app.get(&path).global().send().await
    };
    let names = |body: &Value| -> Vec<String> {
        let rows = body.as_array().unwrap().iter();
        rows.map(|row| row["name"].as_str().unwrap().to_owned())
            .collect()
    };
    // Clients that know nothing of pages get a thousand, and are told that there are more.
    let first = fetch("").await;
    assert_eq!(names(&first.body).len(), 1000);
    let next = first.header("x-next-cursor").to_owned();
    let rest = fetch(&format!("cursor={next}")).await;
    let wanted: Vec<_> = (1000..1005).map(|i| format!("i{i:04}")).collect();
    assert_eq!(
        (names(&rest.body), rest.header("x-next-cursor")),
        (wanted, "")
    );

    // All of them, once, in order; the last page says that it is the last.
    let (mut all, mut cursor) = (Vec::new(), String::new());
    for pages in 1.. {
        let page = fetch(&format!("limit=335&cursor={cursor}")).await;
        all.extend(names(&page.body));
        cursor = page.header("x-next-cursor").to_owned();
        if cursor.is_empty() {
            assert_eq!(pages, 3);
            break;
        }
    }
    let wanted: Vec<_> = (0..1005).map(|i| format!("i{i:04}")).collect();
    assert_eq!(all, wanted);

    for (query, message) in [
        (
            "limit=0",
            json!([["limit must be greater than or equal to 1"]]),
        ),
        (
            "limit=1001",
            json!([["limit must be less than or equal to 1000"]]),
        ),
        ("limit=x", json!([["limit is not of a type(s) integer"]])),
        ("cursor=!", json!(["Invalid cursor"])),
        ("cursor=Lw", json!(["Invalid cursor"])),
    ] {
        fetch(query).await.assert_bad_request(&message);
    }
    // All have the same number: the filter goes through pages as well.
    let page = fetch("number=5511999990001&limit=2").await;
    assert_eq!(names(&page.body), ["i0000", "i0001"]);
    assert!(!page.header("x-next-cursor").is_empty());
}
