//! The function `api`: its real binary, behind events of API Gateway.

use aws_sdk_secretsmanager::Client as Secrets;
use fake_lambda::{Answer, Function, HttpCall};
use pombal_domain::event::pending_text;
use pombal_domain::time::UnixMs;
use pombal_domain::{Command, Desired, Op, Reply, ShardId};
use pombal_store::conformance::aws;
use pombal_store::queue::plan;
use serde_json::{Value, json};

use super::deployment::{Deployed, Env};
use crate::app::{GLOBAL_KEY, LONG};
use crate::connector::{open, project};

pub(super) const API: &str = env!("CARGO_BIN_EXE_api");

fn get(path: &str) -> HttpCall {
    HttpCall::new("GET", path).key(GLOBAL_KEY)
}

pub(super) fn creation(name: &str) -> HttpCall {
    let body = json!({ "instanceName": name, "integration": "WHATSAPP-BAILEYS" });
    HttpCall::new("POST", "/instance/create")
        .key(GLOBAL_KEY)
        .json(&body)
}

#[track_caller]
fn assert_error(answer: &Answer, status: u64, reason: &str, message: &Value) {
    let wanted = json!({ "status": status, "error": reason, "response": { "message": message } });
    assert_eq!((answer.status, &answer.body), (status, &wanted));
}

/// An instance that is connected; its token.
pub(super) async fn connected(deployed: &Deployed, api: &Function, name: &str) -> String {
    let made = api.call(&creation(name)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let row = deployed.row(name).await;
    let registry = &deployed.registry;
    let row = registry.set_desired(&row.name, row.id, Desired::Connected, None);
    let row = row.await.unwrap();
    project(registry, &row, open(&row)).await;
    made.body["hash"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn requests_are_answered_as_the_contract_says() {
    let deployed = Deployed::new().await;
    let api = deployed.env.start(API).await;
    let welcome = api.call(&HttpCall::new("GET", "/")).await;
    assert_eq!(welcome.status, 200);
    assert!(
        welcome.body["message"]
            .as_str()
            .unwrap()
            .starts_with("Welcome"),
        "{}",
        welcome.body
    );

    let token = connected(&deployed, &api, "b1").await;
    for key in [GLOBAL_KEY, &token] {
        let call = HttpCall::new("GET", "/instance/connectionState/b1").key(key);
        let answer = api.call(&call).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.body["instance"]["instanceName"], "b1");
        assert_eq!(answer.body["instance"]["state"], "open");
        assert_eq!(answer.headers["content-type"], "application/json");
    }
    // Names with escapes, other spellings, queries, and a stage before the path.
    let call = get("/Instance/ConnectionState/b1/?x=%2F").stage("live");
    assert_eq!(api.call(&call).await.status, 200);
    let found = api
        .call(&get("/instance/fetchInstances?instanceName=b1"))
        .await;
    assert_eq!(found.body[0]["token"], token.as_str());

    let message = json!(["The \"nobody\" instance does not exist"]);
    let missing = api.call(&get("/instance/connectionState/nobody")).await;
    assert_error(&missing, 404, "Not Found", &message);
    let message = json!(["Cannot GET /nowhere?a=1"]);
    let nowhere = api.call(&get("/nowhere?a=1").stage("live")).await;
    assert_error(&nowhere, 404, "Not Found", &message);
    for key in ["wrong", ""] {
        let call = HttpCall::new("GET", "/instance/connectionState/b1").key(key);
        let refused = api.call(&call).await;
        assert_error(&refused, 401, "Unauthorized", &json!("Unauthorized"));
    }
    let again = api.call(&creation("b1")).await;
    assert_eq!(again.status, 403, "{}", again.body);
    assert!(!api.log().contains(GLOBAL_KEY), "a key in the log");
}

#[tokio::test]
async fn what_browsers_and_caches_ask_for_passes_the_gateway() {
    let deployed = Deployed::new().await;
    let api = deployed.env.start(API).await;
    for name in ["b1", "b2", "b3"] {
        assert_eq!(api.call(&creation(name)).await.status, 201);
    }
    // Packed bodies are no text: the gateway wants them in base64, or it spoils them.
    let fetch = get("/instance/fetchInstances");
    let plain = api.call(&fetch).await;
    assert!(!plain.base64);
    let packed = api
        .call(&fetch.clone().header("accept-encoding", "gzip"))
        .await;
    assert_eq!(packed.headers["content-encoding"], "gzip");
    assert!(packed.base64);
    assert_eq!(packed.body, plain.body);
    let tag = packed.headers["etag"].as_str().unwrap();
    let known = api.call(&fetch.header("if-none-match", tag)).await;
    assert_eq!((known.status, known.body), (304, Value::Null));

    let call = HttpCall::new("OPTIONS", "/instance/create")
        .header("origin", "https://manager.example")
        .header("access-control-request-method", "POST");
    let preflight = api.call(&call).await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.headers["access-control-allow-origin"], "*");
    let head = api.call(&HttpCall::new("HEAD", "/")).await;
    assert_eq!((head.status, head.body), (200, Value::Null));

    let message = json!(["request body is larger than 1114112 bytes"]);
    let large = json!({ "instanceName": "x".repeat(2 << 20) });
    let large = HttpCall::new("POST", "/instance/create")
        .key(GLOBAL_KEY)
        .json(&large);
    for call in [large.clone(), large.base64()] {
        let refused = api.call(&call).await;
        assert_error(&refused, 413, "Payload Too Large", &message);
    }
    let body =
        "--x\r\nContent-Disposition: form-data; name=\"instanceName\"\r\n\r\nb4\r\n--x--\r\n";
    let form = HttpCall::new("POST", "/instance/create")
        .key(GLOBAL_KEY)
        .header("content-type", "multipart/form-data; boundary=x")
        .body(body)
        .base64();
    let made = api.call(&form).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["instance"]["instanceName"], "b4");
}

#[tokio::test]
async fn a_text_goes_to_its_owner_and_the_answer_comes_back() {
    let deployed = Deployed::new().await;
    let api = deployed.env.start(API).await;
    let token = connected(&deployed, &api, "b1").await;
    let body = json!({ "number": "5511999990001", "text": "não \u{FFFF}" });
    let call = HttpCall::new("POST", "/message/sendText/b1")
        .key(&token)
        .json(&body)
        .base64();
    let owner = async {
        let (name, options) = (plan::commands(ShardId(0)), plan::commands_options());
        let queue = deployed.queues.queue(&name, &options).await.unwrap();
        let mut got = queue.receive(1, LONG).await.unwrap();
        let command: Command = serde_json::from_str(&got.pop().unwrap().body).unwrap();
        let Op::SendText(text) = &command.op else {
            panic!("{command:?}");
        };
        let message = pending_text(command.instance, text, UnixMs::now());
        let reply = Reply::Sent {
            message: Box::new(message),
        };
        let put = deployed.registry.put_reply(command.id, &reply, LONG);
        put.await.unwrap();
        text.text.clone()
    };
    let (answer, text) = tokio::join!(api.call(&call), owner);
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(text, "não \u{FFFF}");
    assert_eq!(answer.body["message"]["conversation"], "não \u{FFFF}");
    assert_eq!(answer.body["key"]["fromMe"], true);

    // Nobody takes this one: it is accepted all the same, and says so in time.
    let answer = api.call(&call).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.body["status"], "PENDING");
}

/// Makes a secret; its name.
pub(super) async fn secret(deployed: &Deployed, value: &str) -> String {
    let secrets = Secrets::new(deployed.aws.sdk_config());
    let name = aws::fresh("key");
    let made = secrets.create_secret().name(&name).secret_string(value);
    made.send().await.unwrap();
    name
}

#[tokio::test]
async fn the_key_comes_from_the_secret() {
    let deployed = Deployed::new().await;
    let key = "a-key-that-is-kept-in-a-secret";
    let name = secret(&deployed, key).await;
    let env = deployed
        .env
        .with("AUTHENTICATION_API_KEY", "")
        .with("POMBAL_API_KEY_SECRET", &name);
    let api = env.start(API).await;
    let path = "/instance/fetchInstances";
    let answer = api.call(&HttpCall::new("GET", path).key(key)).await;
    assert_eq!((answer.status, answer.body), (200, json!([])));
    assert_eq!(api.call(&get(path)).await.status, 401);
    assert!(!api.log().contains(key), "a key in the log");
}

#[tokio::test]
async fn what_meta_and_we_share_comes_from_the_secret() {
    let deployed = Deployed::new().await;
    let kept = json!({ "appSecret": "kept-app-secret", "verifyToken": "kept-verify-token" });
    let name = secret(&deployed, &kept.to_string()).await;
    let env = deployed.env.with("POMBAL_META_SECRET", &name);
    let api = env.start(API).await;
    let verify = |token| {
        let query = format!("hub.mode=subscribe&hub.verify_token={token}&hub.challenge=4711");
        HttpCall::new("GET", &format!("/webhook/meta?{query}"))
    };
    let answer = api.call(&verify("kept-verify-token")).await;
    assert_eq!((answer.status, answer.body), (200, json!(4711)));
    assert_eq!(api.call(&verify("another-token")).await.status, 403);
    let unsigned = HttpCall::new("POST", "/webhook/meta").json(&json!({ "entry": [] }));
    assert_eq!(api.call(&unsigned).await.status, 401);
    assert!(!api.log().contains("kept-"), "a secret in the log");
}

#[tokio::test]
async fn what_is_wrong_with_the_environment_is_named() {
    for (variable, value) in [
        ("POMBAL_TABLE", ""),
        ("POMBAL_QUEUES", "pombal-"),
        ("POMBAL_SHARDS", "0"),
        ("POMBAL_KMS_KEY", ""),
        ("POMBAL_MEDIA_BUCKET", ""),
        ("AUTHENTICATION_API_KEY", "short"),
        ("SERVER_URL", "gateway.test"),
        ("WEBHOOK_ALLOW_PRIVATE", "yes"),
        ("CORS_CREDENTIALS", "true"),
        ("CORS_METHODS", "GET,PUSH"),
        ("PROMETHEUS_METRICS", "yes"),
        ("METRICS_AUTH_REQUIRED", "1"),
        ("METRICS_ALLOWED_IPS", "localhost"),
    ] {
        let queues = "http://127.0.0.1:9/000000000000/pombal-";
        let env = Env::naming("table", queues, "alias/key", "bucket").with(variable, value);
        let mut api = env.start(API).await;
        let (status, log) = api.ended().await;
        assert!(!status.success(), "{variable}");
        let lines = log
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        let errors: Vec<String> = lines
            .filter_map(|line: Value| line["error"].as_str().map(str::to_owned))
            .collect();
        let [error] = &errors[..] else {
            panic!("{variable}: {log}");
        };
        assert!(error.contains(&format!("{variable}: ")), "{error}");
    }
}
