//! Integrations that are not there answer as the original's do when they are switched off.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::app::TestApp;

#[tokio::test]
async fn absent_sinks_take_anything_that_is_well_formed() {
    let app = TestApp::start().await;
    let token = app.create("b1").await;
    for sink in ["rabbitmq", "nats", "kafka", "pusher"] {
        let set = format!("/{sink}/set/b1");
        let mut config = json!({ "enabled": true, "events": ["CALL", "GROUPS_UPDATE"] });
        if sink == "pusher" {
            for name in ["appId", "key", "secret", "cluster"] {
                config[name] = json!("x");
            }
            config["useTLS"] = json!(true);
        }
        let answer = app
            .post(&set)
            .key(&token)
            .json(&json!({ sink: config }))
            .await;
        assert_eq!(
            (answer.status, answer.bytes.len()),
            (StatusCode::CREATED, 0),
            "{sink}"
        );
        let find = app
            .get(&format!("/{sink}/find/b1"))
            .key(&token)
            .send()
            .await;
        assert_eq!(
            (find.status, find.bytes.len()),
            (StatusCode::OK, 0),
            "{sink}"
        );

        let bad = json!({ sink: { "enabled": "maybe", "events": ["NOPE"] } });
        let bad = app.post(&set).key(&token).json(&bad).await;
        let texts = bad.body["response"]["message"][0]
            .as_array()
            .unwrap()
            .clone();
        assert_eq!(bad.status, StatusCode::BAD_REQUEST);
        assert_eq!(
            texts[0],
            format!("{sink}.enabled is not of a type(s) boolean")
        );
        let names = format!("{sink}.events[0] is not one of enum values: APPLICATION_STARTUP,");
        assert!(
            texts[1].as_str().unwrap().starts_with(&names),
            "{}",
            texts[1]
        );
        app.post(&set).send().await.assert_unauthorized();
    }
    let bare = json!({ "pusher": { "enabled": true, "useTLS": "x" } });
    let bare = app.post("/pusher/set/b1").key(&token).json(&bare).await;
    bare.assert_bad_request(&json!([[
        "pusher.useTLS is not of a type(s) boolean",
        "pusher requires property \"appId\"",
        "pusher requires property \"key\"",
        "pusher requires property \"secret\"",
        "pusher requires property \"cluster\"",
    ]]));
    let empty = app.post("/pusher/set/b1").key(&token).send().await;
    empty.assert_bad_request(&json!([["instance requires property \"pusher\""]]));
    let empty = app.post("/nats/set/b1").key(&token).send().await;
    assert_eq!(empty.status, StatusCode::CREATED);
}

#[tokio::test]
async fn chatbots_say_that_they_are_disabled() {
    let app = TestApp::start().await;
    let token = app.create("b1").await;
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    for (bot, name) in [
        ("typebot", "Typebot"),
        ("openai", "Openai"),
        ("dify", "Dify"),
        ("flowise", "Flowise"),
        ("n8n", "N8n"),
        ("evoai", "Evoai"),
        ("evolutionBot", "EvolutionBot"),
    ] {
        for (method, path) in [
            (&post, "create/b1"),
            (&get, "find/b1"),
            (&get, "find/7/b1"),
            (&get, "fetch/7/b1"),
            (&put, "update/7/b1"),
            (&post, "update/7/b1"),
            (&delete, "delete/7/b1"),
            (&post, "settings/b1"),
            (&get, "fetchSettings/b1"),
            (&post, "changeStatus/b1"),
            (&get, "fetchSessions/7/b1"),
            (&post, "ignoreJid/b1"),
        ] {
            let path = format!("/{bot}/{path}");
            let call = || app.call(method.clone(), &path);
            let answer = call().key(&token).send().await;
            if path == "/evolutionBot/find/b1" {
                answer.assert_ok(200, &json!([]));
            } else {
                answer.assert_bad_request(&json!([format!("{name} is disabled")]));
            }
            // The key first, and for an instance that is there.
            call().send().await.assert_unauthorized();
            let ghost = path.replace("b1", "ghost");
            let ghost = app.call(method.clone(), &ghost).global().send().await;
            assert_eq!(ghost.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
    for (method, path, name) in [
        (&post, "/typebot/start/b1", "Typebot"),
        (&post, "/openai/creds/b1", "Openai"),
        (&get, "/openai/creds/b1", "Openai"),
        (&delete, "/openai/creds/7/b1", "Openai"),
        (&get, "/openai/getModels/b1", "Openai"),
        (&post, "/chatwoot/set/b1", "Chatwoot"),
        (&get, "/chatwoot/find/b1", "Chatwoot"),
        (&get, "/CHATWOOT/Find/b1/", "Chatwoot"),
    ] {
        let answer = app.call(method.clone(), path).key(&token).send().await;
        answer.assert_bad_request(&json!([format!("{name} is disabled")]));
    }
    // Whoever has an id that reads like a name gets nothing for it.
    let other = app.create("b2").await;
    let trick = app.get("/typebot/fetch/b2/b1").key(&other).send().await;
    trick.assert_unauthorized();
}

#[tokio::test]
async fn create_leaves_absent_sinks_alone_and_refuses_chatwoot() {
    let app = TestApp::start().await;
    let create = async |body| app.post("/instance/create").global().json(&body).await;
    let answer = create(json!({
        "instanceName": "b1", "integration": "WHATSAPP-BAILEYS",
        "rabbitmq": { "enabled": true, "events": ["CALL"] }, "nats": { "enabled": true },
        "kafka": { "enabled": true }, "pusher": {}, "rabbitmqEnabled": true,
        "chatwootAccountId": "1", "chatwootToken": "", "chatwootUrl": "https://chat.example",
    }))
    .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    for sink in ["rabbitmq", "nats", "websocket", "sqs"] {
        assert_eq!(answer.body[sink], json!({}), "{sink}");
    }
    let answer = create(json!({
        "instanceName": "b2", "integration": "WHATSAPP-BAILEYS",
        "chatwootAccountId": "1", "chatwootToken": "t", "chatwootUrl": "https://chat.example",
    }))
    .await;
    answer.assert_bad_request(&json!(["Chatwoot is disabled"]));
    let ghost = app
        .get("/instance/connectionState/b2")
        .global()
        .send()
        .await;
    assert_eq!(ghost.status, StatusCode::NOT_FOUND);
}
