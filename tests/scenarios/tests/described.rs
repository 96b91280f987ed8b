//! The API does what its description promises, whatever is sent: a real server, and requests
//! that schemathesis makes up from `/openapi.json`.

use std::ffi::OsString;
use std::process::Command;

use fake_whatsapp::{Options, Watched};
use pombal_scenarios::{API_KEY, Api, Pombal, PombalOptions};
use serde_json::json;

/// What must hold of each answer. The first is that its status is below 500.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance";
/// Requests that it makes up per route in its last phase, beside those for each rule of a
/// schema. All of it takes about a minute.
const EXAMPLES: &str = "4";
/// A drain of the only connector ends the process, as it should; and most other requests are
/// about the instance.
const LEFT_OUT: [&str; 2] = ["/admin/connectors/{id}/drain", "/instance/delete/{name}"];

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

    let mut command = Command::new(tool());
    command
        .current_dir(dir.path())
        .args(["run", &format!("{}/openapi.json", pombal.url)])
        .args(["--header", &format!("apikey: {API_KEY}")])
        .args(["--checks", CHECKS])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", EXAMPLES])
        // The same requests at each run; its threads are in each other's way.
        .args(["--generation-deterministic", "--workers", "1"])
        .args(["--request-timeout", "30", "--no-color"])
        .args(["--suppress-health-check", "all"]);
    for path in LEFT_OUT {
        command.args(["--exclude-path", path]);
    }
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
