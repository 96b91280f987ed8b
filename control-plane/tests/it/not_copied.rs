//! The original's holes and mistakes that must not come back (contract § 9), as far as they are
//! about routes that exist. Others are told where they live: addresses of webhooks in `webhook`,
//! keys in logs in `logs`, events that get lost in `delivery`.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::{GLOBAL_KEY, TestApp};

/// Every route of an instance, and what to send there so that it would do something.
fn routes(name: &str) -> Vec<(Method, String, Value)> {
    let off = json!({
        "rejectCall": true, "groupsIgnore": true, "alwaysOnline": true,
        "readMessages": true, "readStatus": true, "syncFullHistory": true,
    });
    let sink = json!({ "enabled": true, "events": ["CALL"] });
    [
        (Method::GET, "/instance/connect/", json!({})),
        (Method::GET, "/instance/qrcode/", json!({})),
        (Method::GET, "/instance/connectionState/", json!({})),
        (Method::POST, "/instance/restart/", json!({})),
        (Method::POST, "/instance/rotateToken/", json!({})),
        (
            Method::POST,
            "/webhook/set/",
            json!({ "url": "https://evil.example" }),
        ),
        (Method::GET, "/webhook/find/", json!({})),
        (Method::POST, "/websocket/set/", sink.clone()),
        (Method::GET, "/websocket/find/", json!({})),
        (Method::POST, "/sqs/set/", sink),
        (Method::GET, "/sqs/find/", json!({})),
        (Method::POST, "/settings/set/", off),
        (Method::GET, "/settings/find/", json!({})),
        (
            Method::POST,
            "/message/sendText/",
            json!({ "number": "5511999990002", "text": "x" }),
        ),
        (Method::DELETE, "/instance/logout/", json!({})),
        (Method::DELETE, "/instance/delete/", json!({})),
    ]
    .into_iter()
    .map(|(method, path, body)| (method, format!("{path}{name}"), body))
    .collect()
}

/// S1: the query and the body name another instance than the path; only the path counts.
#[tokio::test]
async fn a_query_leads_to_no_other_instance() {
    let app = TestApp::start_alone().await;
    let first = app.create("own").await;
    let mut own = first.clone();
    app.create("victim").await;
    let before = app.stores.row("victim").await;
    let id = before.id;
    for (method, path, mut body) in routes("own") {
        body["instanceName"] = json!("victim");
        body["instanceId"] = json!(id);
        for query in [
            "instanceName=victim",
            "name=victim",
            &format!("instanceId={id}"),
        ] {
            let path = format!("{path}?{query}");
            // Whoever rotates goes on with the same token.
            let other = if own == first { "T-2" } else { &first };
            body["token"] = json!(other);
            let answer = app.call(method.clone(), &path).key(&own).json(&body).await;
            if let Some(rotated) = answer.body["hash"].as_str() {
                own = rotated.to_owned();
            }
            let text = answer.body.to_string();
            assert!(!text.contains("victim"), "{path}: {text}");
            assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
            if path.contains("/delete/") {
                break;
            }
        }
    }
    assert_eq!(app.stores.row("victim").await, before);
    // The token opens the victim on no path either.
    let own = app.create("own2").await;
    for (method, path, body) in routes("victim") {
        let answer = app.call(method, &path).key(&own).json(&body).await;
        answer.assert_unauthorized();
    }
    assert_eq!(app.stores.row("victim").await, before);
}

/// S6: nobody learns what exists without a key, and no name is taken for something else.
#[tokio::test]
async fn names_are_no_objects_and_queries_no_paths() {
    let app = TestApp::start_alone().await;
    app.create("b1").await;
    for name in ["constructor", "__proto__", "toString", "hasOwnProperty"] {
        for (method, path, body) in routes(name) {
            let stranger = app.call(method.clone(), &path).json(&body).await;
            stranger.assert_unauthorized();
            let ghost = app.call(method, &path).global().json(&body).await;
            let text = format!("The \"{name}\" instance does not exist");
            ghost.assert_error(404, "Not Found", &json!([text]));
        }
        // They are names as good as any.
        app.create(name).await;
        let state = app.get(&format!("/instance/connectionState/{name}"));
        assert_eq!(state.global().send().await.status, StatusCode::OK);
    }
    for query in ["?x=/instance/create", "?x=/instance/fetchInstances"] {
        for name in ["b1", "ghost"] {
            let path = format!("/instance/connectionState/{name}{query}");
            app.get(&path).send().await.assert_unauthorized();
        }
    }
    let taken = json!({ "instanceName": "b1" });
    let taken = app.post("/instance/create").json(&taken).await;
    taken.assert_unauthorized();
}

/// S3, S4: what comes in without a key starts nothing and reaches nobody.
#[tokio::test]
async fn nothing_comes_in_without_a_key() {
    let app = TestApp::start_alone().await;
    let body = json!({ "instanceName": "b1", "number": "5511999990001" });
    let made = app.post("/instance/create").global().json(&body).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let before = app.stores.row("b1").await;
    let body = json!({
        "numberId": "5511999990001", "key": { "id": "1", "remoteJid": "x", "fromMe": false },
        "message": { "conversation": "x" }, "messageType": "conversation",
    });
    for path in ["/webhook/evolution", "/chatwoot/webhook/b1"] {
        let answer = app.post(path).json(&body).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
    }
    assert_eq!(app.stores.row("b1").await, before);
    assert!(
        app.commands
            .receive(1, crate::app::SHORT)
            .await
            .unwrap()
            .is_empty()
    );
}

/// S8, #23: a token is shown to its owner and to the global key, and is nowhere in the open.
#[tokio::test]
async fn tokens_are_shown_to_their_owners_only() {
    let app = TestApp::start().await;
    let (one, two) = (app.create("one").await, app.create("two").await);
    let shown = async |key: &str| app.get("/instance/fetchInstances").key(key).send().await;
    let all = shown(GLOBAL_KEY).await.body.to_string();
    assert!(all.contains(&one) && all.contains(&two));
    let own = shown(&one).await.body;
    assert_eq!(own.as_array().unwrap().len(), 1);
    assert!(own.to_string().contains(&one) && !own.to_string().contains(&two));
    for file in std::fs::read_dir(app.stores.directory()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let hit = bytes
                .windows(one.len())
                .any(|window| window == one.as_bytes());
            assert!(!hit, "a token in {}", path.display());
        }
    }
}

/// S12: what is wrong is said in texts of ours. No paths, no code, no storage.
#[tokio::test]
async fn odd_input_gets_the_envelope() {
    let app = TestApp::start_alone().await;
    app.create("b1").await;
    let before = app.stores.row("b1").await;
    let odd = [
        json!([]),
        json!("x"),
        json!(7),
        json!(null),
        json!({ "webhook": [], "websocket": 0, "sqs": "x", "settings": [], "url": {} }),
        json!({ "enabled": { "a": 1 }, "events": { "0": "CALL" }, "token": [], "number": {} }),
        json!({ "webhook": { "enabled": [], "url": 7, "events": [[], {}, null] } }),
        json!({ "__proto__": { "enabled": true }, "constructor": { "prototype": 1 } }),
    ];
    for (method, path, _) in routes("b1") {
        // What needs no body does what it does.
        let is_set = path.contains("/set/") || path.contains("sendText");
        for body in odd.iter().filter(|_| is_set) {
            let answer = app.call(method.clone(), &path).global().json(body).await;
            assert_eq!(
                answer.status,
                StatusCode::BAD_REQUEST,
                "{path} {body}: {}",
                answer.body
            );
            assert!(
                answer.body["response"]["message"].is_array(),
                "{}",
                answer.body
            );
            let text = answer.body.to_string();
            for leak in [".rs", "serde", "panicked", "/home", "dynamo", "TypeError"] {
                assert!(!text.contains(leak), "{path} {body}: {text}");
            }
        }
    }
    assert_eq!(app.stores.row("b1").await, before);
}

/// B3, B5: what has not happened is no success, and no failure is a 200.
#[tokio::test]
async fn success_is_said_when_it_is_done() {
    let app = TestApp::start_alone().await;
    let token = app.create("b1").await;
    // A webhook that nobody answers does not hold the deletion up.
    let webhook = json!({ "url": "https://unreachable.invalid/hook" });
    let set = app.post("/webhook/set/b1").key(&token).json(&webhook).await;
    assert_eq!(set.status, StatusCode::CREATED, "{}", set.body);
    let logout = app.delete("/instance/logout/b1").key(&token).send().await;
    logout.assert_bad_request(&json!(["The \"b1\" instance is not connected"]));
    let deleted = app.delete("/instance/delete/b1").key(&token).send().await;
    assert_eq!(deleted.body["status"], "SUCCESS");
    // It is gone, and its name and token are free, at once.
    let body = json!({ "instanceName": "b1", "token": token });
    let again = app.post("/instance/create").global().json(&body).await;
    assert_eq!(again.status, StatusCode::CREATED, "{}", again.body);
    let restart = app.post("/instance/restart/ghost").global().send().await;
    assert_eq!(restart.status, StatusCode::NOT_FOUND);
}

/// B6, B7: both spellings of the group event, and one token for one instance.
#[tokio::test]
async fn small_mistakes_are_not_copied() {
    let app = TestApp::start().await;
    let token = app.create("b1").await;
    for event in ["GROUPS_UPDATE", "GROUP_UPDATE"] {
        for kind in ["webhook", "websocket", "sqs"] {
            let config =
                json!({ "enabled": true, "url": "https://example.com", "events": [event] });
            let path = format!("/{kind}/set/b1");
            let answer = app
                .post(&path)
                .key(&token)
                .json(&json!({ kind: config }))
                .await;
            assert_eq!(
                answer.status,
                StatusCode::CREATED,
                "{kind} {event}: {}",
                answer.body
            );
        }
    }
    let twin = json!({ "instanceName": "b2", "token": token });
    let twin = app.post("/instance/create").global().json(&twin).await;
    twin.assert_error(403, "Forbidden", &json!(["This token is already in use."]));
}
