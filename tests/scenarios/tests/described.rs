//! The API does what its description promises, whatever is sent: a real server, and requests
//! that schemathesis makes up from `/openapi.json`.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use fake_graph::{FakeGraph, Number};
use fake_whatsapp::{Options, Watched};
use pombal_scenarios::{API_KEY, Api, Pombal, PombalOptions};
use serde_json::{Value, json};

/// What must hold of each answer. The first is that its status is below 500.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance";
/// Requests that it makes up per route in its last phase, beside those for each rule of a
/// schema. All of it takes about a minute.
const EXAMPLES: &str = "4";
/// The same where each is about an instance that is there, and there are few routes.
const EXAMPLES_OF_CLOUD: &str = "12";
/// A drain of the only connector ends the process, as it should; and most other requests are
/// about the instance.
const LEFT_OUT: [&str; 2] = ["/admin/connectors/{id}/drain", "/instance/delete/{name}"];
/// The chapter of the routes that only the Cloud API has.
const CLOUD: &str = "Cloud API";
/// The instance of the Cloud API that the description names in its examples, and its number.
const SHOP: &str = "shop";
const NUMBER: &str = "106540352242922";
const ACCOUNT: &str = "102290129340398";
const TOKEN: &str = "EAAG-token-of-the-shop";

#[tokio::test]
async fn made_up_requests_are_answered_as_described() {
    let whatsapp = Watched::start(Options::default()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let options = PombalOptions::demo(whatsapp.ws_url());
    let pombal = Pombal::start(&dir.path().join("data"), &options);
    // The instance that the description names in its examples.
    let body = json!({ "instanceName": "b1", "integration": "WHATSAPP-BAILEYS" });
    let api = Api::new(&pombal.url);
    api.post("/instance/create", body).await.ok();

    let document = format!("{}/openapi.json", pombal.url);
    let mut command = schemathesis(dir.path(), &document, EXAMPLES);
    // These have a run of their own, and most of them are nothing to a linked device.
    command.args(["--exclude-tag", CLOUD]);
    for path in LEFT_OUT {
        command.args(["--exclude-path", path]);
    }
    assert_passes(command).await;
}

/// The routes of Meta's Cloud API, each at an instance that has it.
#[tokio::test(flavor = "multi_thread")]
async fn made_up_requests_to_the_cloud_api_are_answered_as_described() {
    let whatsapp = Watched::start(Options::default()).await.unwrap();
    let graph = FakeGraph::start().await;
    graph.add_number(Number {
        id: NUMBER.into(),
        account: ACCOUNT.into(),
        token: TOKEN.into(),
    });
    let template =
        json!({ "id": "1", "name": "greeting", "language": "pt_BR", "status": "APPROVED" });
    graph.set_templates(ACCOUNT, vec![template]);
    let dir = tempfile::tempdir().unwrap();
    // No secret of Meta's app: made-up webhooks can't be signed.
    let options = PombalOptions::demo(whatsapp.ws_url()).env("WA_BUSINESS_URL", &graph.url);
    let pombal = Pombal::start(&dir.path().join("data"), &options);
    let body = json!({
        "instanceName": SHOP, "integration": "WHATSAPP-BUSINESS", "token": TOKEN,
        "number": NUMBER, "businessId": ACCOUNT,
    });
    let api = Api::new(&pombal.url);
    api.post("/instance/create", body).await.ok();

    let document = api.get("/openapi.json").await.ok();
    let file = dir.path().join("openapi.json");
    std::fs::write(&file, about_the_shop(document).to_string()).unwrap();
    let mut command = schemathesis(dir.path(), "openapi.json", EXAMPLES_OF_CLOUD);
    command.args(["--url", &pombal.url]);
    assert_passes(command).await;
    // It was no exercise in refusals.
    let sent = graph.sent(NUMBER);
    let mut kinds: Vec<_> = sent.iter().filter_map(|it| it["type"].as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let all = [
        "audio",
        "contacts",
        "image",
        "interactive",
        "location",
        "reaction",
        "template",
        "text",
    ];
    for kind in all {
        assert!(kinds.contains(&kind), "no {kind} was sent, only {kinds:?}");
    }
    assert!(graph.templates(ACCOUNT).len() > 1, "no template was made");
}

/// The document without the routes that have nothing to do with the Cloud API, and with one name
/// that an instance can have.
fn about_the_shop(mut document: Value) -> Value {
    let paths = document["paths"].as_object_mut().unwrap();
    paths.retain(|path, item| {
        let methods = item.as_object().unwrap();
        let of_cloud = methods
            .values()
            .any(|operation| operation["tags"] == json!([CLOUD]));
        of_cloud || path.starts_with("/message/sendText/")
    });
    assert!(paths.len() > 15, "only {} routes", paths.len());
    for parameter in ["InstanceName", "BusinessName"] {
        let parameter = &mut document["components"]["parameters"][parameter];
        parameter["example"] = json!(SHOP);
        parameter["schema"] = json!({ "type": "string", "enum": [SHOP] });
    }
    document
}

/// Makes requests up from `document`, an address or a file in `dir`.
fn schemathesis(dir: &Path, document: &str, examples: &str) -> Command {
    let mut command = Command::new(tool());
    command
        .current_dir(dir)
        .args(["run", document])
        .args(["--header", &format!("apikey: {API_KEY}")])
        .args(["--checks", CHECKS])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", examples])
        // The same requests at each run; its threads are in each other's way.
        .args(["--generation-deterministic", "--workers", "1"])
        .args(["--request-timeout", "30", "--no-color"])
        .args(["--suppress-health-check", "all"]);
    command
}

async fn assert_passes(mut command: Command) {
    let ran = tokio::task::spawn_blocking(move || command.output().unwrap());
    let ran = ran.await.unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let complained = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}\n{complained}");
}

/// The program, as `cargo xtask` installs it.
fn tool() -> OsString {
    std::env::var_os("POMBAL_SCHEMATHESIS").unwrap_or_else(|| {
        panic!("POMBAL_SCHEMATHESIS is not set: run the scenarios by `cargo xtask test`")
    })
}
