//! Whatever is thrown at a route: an answer that means something, and no harm done by what is
//! refused. By a seed, so that a failure comes again. The routes of the Cloud API have tests of
//! their own, in `business::random`.

use std::time::Duration;

use axum::http::Method;
use pombal_domain::Instance;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};

use crate::app::{Answer, TestApp};

/// How many requests each of the tests makes.
const REQUESTS: usize = 1500;
/// Deepest nesting of a body.
pub(crate) const DEPTH: u32 = 4;
const ROUTES: [(Method, &str); 15] = [
    (Method::POST, "/instance/create"),
    (Method::POST, "/instance/connect/b1"),
    (Method::POST, "/instance/rotateToken/b1"),
    (Method::POST, "/instance/setPresence/b1"),
    (Method::POST, "/proxy/set/b1"),
    (Method::POST, "/webhook/set/b1"),
    (Method::POST, "/websocket/set/b1"),
    (Method::PUT, "/sqs/set/b1"),
    (Method::POST, "/settings/set/b1"),
    (Method::POST, "/rabbitmq/set/b1"),
    (Method::POST, "/pusher/set/b1"),
    (Method::POST, "/message/sendText/b1"),
    (Method::POST, "/typebot/create/b1"),
    (Method::POST, "/verify-creds"),
    (Method::GET, "/instance/fetchInstances"),
];
/// Names that mean something somewhere, and some that might.
const KEYS: [&str; 47] = [
    "instanceName",
    "integration",
    "token",
    "number",
    "qrcode",
    "webhook",
    "websocket",
    "sqs",
    "rabbitmq",
    "pusher",
    "settings",
    "enabled",
    "url",
    "headers",
    "host",
    "port",
    "protocol",
    "presence",
    "byEvents",
    "base64",
    "events",
    "webhook_by_events",
    "webhookUrl",
    "rejectCall",
    "groupsIgnore",
    "alwaysOnline",
    "readMessages",
    "readStatus",
    "syncFullHistory",
    "msgCall",
    "wavoipToken",
    "text",
    "textMessage",
    "options",
    "delay",
    "quoted",
    "key",
    "id",
    "mentioned",
    "mentions",
    "appId",
    "useTLS",
    "chatwootUrl",
    "__proto__",
    "constructor",
    "",
    "a[b",
];
const TEXTS: [&str; 18] = [
    "",
    " ",
    "true",
    "false",
    "b1",
    "b2",
    "a/b",
    "CALL",
    "GROUPS_UPDATE",
    "WHATSAPP-BAILEYS",
    "https://example.com/hook",
    "http://127.0.0.1/",
    "5511999990001",
    "+55 (11) 9",
    "\0\u{fffd}",
    "🐦",
    "99999999999999999999",
    "vazio",
];

#[derive(Debug, PartialEq)]
pub(crate) enum Taken {
    Accepted,
    Refused,
}

/// A seed under which all was refused, or nothing, would say little.
pub(crate) fn assert_both(taken: &[Taken]) {
    for kind in [Taken::Accepted, Taken::Refused] {
        assert!(taken.contains(&kind), "nothing was {kind:?}");
    }
}

async fn app() -> TestApp {
    let app = TestApp::start_with(|options| {
        let short = Duration::from_millis(1);
        options.connect_wait = short;
        options.send_wait = short;
        options.logout_wait = short;
        options.delete_wait = short;
    })
    .await;
    app.create("b1").await;
    app
}

pub(crate) fn value(rng: &mut StdRng, depth: u32) -> Value {
    match rng.random_range(0..if depth == 0 { 6 } else { 10 }) {
        0 => Value::Null,
        1 => rng.random::<bool>().into(),
        2 => rng.random_range(-2_i64..20).into(),
        3 => [json!(u64::MAX), json!(-1.5), json!(1e300), json!(i64::MIN)][rng.random_range(0..4)]
            .clone(),
        4 => "x".repeat(rng.random_range(0..3000)).into(),
        5 => (*TEXTS.choose(rng).unwrap()).into(),
        6 => (0..rng.random_range(0..4))
            .map(|_| value(rng, depth - 1))
            .collect(),
        _ => object(rng, depth - 1),
    }
}

fn object(rng: &mut StdRng, depth: u32) -> Value {
    let mut object = Map::new();
    for _ in 0..rng.random_range(0..12) {
        let key = (*KEYS.choose(rng).unwrap()).to_owned();
        object.insert(key, value(rng, depth));
    }
    Value::Object(object)
}

/// Bytes that look a little like a form, of either kind.
pub(crate) fn form(rng: &mut StdRng) -> Vec<u8> {
    let scraps = [
        "[",
        "]",
        "[]",
        "=",
        "&",
        "%",
        "%5B",
        "%ff",
        "--x",
        "--",
        "\r\n",
        "\r\n\r\n",
        "name=",
        "Content-Disposition: form-data; ",
        "filename=\"",
        "\"",
        ";",
        "0",
        "\u{0}",
    ];
    let mut bytes = Vec::new();
    for _ in 0..rng.random_range(0..60) {
        let scrap = match rng.random_range(0..4) {
            0 => *KEYS.choose(rng).unwrap(),
            1 => *TEXTS.choose(rng).unwrap(),
            _ => *scraps.choose(rng).unwrap(),
        };
        bytes.extend_from_slice(scrap.as_bytes());
    }
    bytes
}

async fn rows(app: &TestApp) -> Vec<Instance> {
    app.stores
        .registry
        .list_instances(None, 1000)
        .await
        .unwrap()
}

/// What is refused has the envelope and has changed nothing; nothing fails.
async fn check(app: &TestApp, before: &mut Vec<Instance>, answer: &Answer, what: &str) -> Taken {
    let status = answer.status.as_u16();
    let after = rows(app).await;
    if answer.status.is_success() {
        *before = after;
        return Taken::Accepted;
    }
    assert!(
        (400..500).contains(&status),
        "{what}: {status} {}",
        answer.body
    );
    let keys: Vec<_> = answer
        .body
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key)
        .collect();
    assert_eq!(
        keys,
        ["error", "response", "status"],
        "{what}: {}",
        answer.body
    );
    assert_eq!(answer.body["status"], status, "{what}");
    assert!(!answer.body["response"]["message"].is_null(), "{what}");
    assert!(
        *before == after,
        "{what}: {status}, and yet something has changed"
    );
    Taken::Refused
}

#[tokio::test]
async fn random_json() {
    let app = app().await;
    let (mut before, mut taken) = (rows(&app).await, Vec::new());
    let mut rng = StdRng::seed_from_u64(6);
    for i in 0..REQUESTS {
        let (method, path) = &ROUTES[i % ROUTES.len()];
        let body = match rng.random_range(0..8) {
            0 => value(&mut rng, DEPTH),
            _ => object(&mut rng, DEPTH),
        };
        let mut text = body.to_string();
        if rng.random_range(0..20) == 0 {
            let cut = text.floor_char_boundary(rng.random_range(0..=text.len()));
            text.truncate(cut);
        }
        let call = app.call(method.clone(), path).global();
        let call = call
            .header("content-type", "application/json")
            .body(text.as_str());
        let what = format!("{method} {path} {text}");
        taken.push(check(&app, &mut before, &call.send().await, &what).await);
    }
    assert_both(&taken);
}

#[tokio::test]
async fn random_forms() {
    let app = app().await;
    let (mut before, mut taken) = (rows(&app).await, Vec::new());
    let mut rng = StdRng::seed_from_u64(7);
    for i in 0..REQUESTS {
        let (method, path) = &ROUTES[i % ROUTES.len()];
        let kind = [
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "multipart/form-data; boundary=",
            "text/plain",
        ];
        let kind = kind[rng.random_range(0..kind.len())];
        let body = form(&mut rng);
        let what = format!(
            "{method} {path} {kind} {:?}",
            String::from_utf8_lossy(&body)
        );
        let call = app.call(method.clone(), path).global();
        let call = call.header("content-type", kind).body(body);
        taken.push(check(&app, &mut before, &call.send().await, &what).await);
    }
    assert_both(&taken);
}

#[tokio::test]
async fn random_paths_and_queries() {
    let app = app().await;
    let (mut before, mut taken) = (rows(&app).await, Vec::new());
    let mut rng = StdRng::seed_from_u64(8);
    for _ in 0..REQUESTS {
        let mut path = match rng.random_range(0..3) {
            0 => String::from("/instance/fetchInstances?"),
            1 => String::from("/instance/connectionState/"),
            _ => String::from("/"),
        };
        for _ in 0..rng.random_range(0..12) {
            path.push_str(
                [
                    "b1",
                    "/",
                    "%",
                    "%2F",
                    "%ff",
                    "%00",
                    "?",
                    "&",
                    "=",
                    "instanceName",
                    "limit",
                    "cursor",
                    "number",
                    "..",
                    "webhook",
                    "find",
                    "{name}",
                    "*",
                    "~",
                    "9",
                ]
                .choose(&mut rng)
                .unwrap(),
            );
        }
        let answer = app.get(&path).global().send().await;
        taken.push(check(&app, &mut before, &answer, &path).await);
    }
    assert_both(&taken);
}
