//! `cargo xtask openapi`: writes docs/openapi.json.

use crate::command::{cargo, run};

/// The test that compares the document with the code writes it instead, when told to.
const TEST: &str = "openapi::the_document_that_is_checked_in_is_that_of_the_code";

/// Writes the document.
pub(crate) fn write() -> Result<(), String> {
    let package = ["-p", "pombal-control-plane", "--test", "it"];
    let features = ["--features", "pombal-control-plane/aws-conformance"];
    let mut command = cargo(&["test", "--locked"]);
    command
        .args(package)
        .args(features)
        .args(["--", "--exact", TEST])
        .env("POMBAL_WRITE_OPENAPI", "1");
    run(&mut command)
}
