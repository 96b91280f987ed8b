//! `cargo xtask openapi`: writes docs/openapi.json. And the tool that tests a server by it.

use std::path::PathBuf;

use crate::command::{cargo, run};
use crate::python::Tools;

/// Makes up requests from a description, and judges the answers by it.
const SCHEMATHESIS: Tools = Tools {
    name: "schemathesis",
    requirements: include_str!("openapi/requirements.txt"),
    needed: "the API is tested by its description with schemathesis",
};

/// The test that compares the document with the code writes it instead, when told to.
const TEST: &str = "openapi::the_document_that_is_checked_in_is_that_of_the_code";

/// The program that scenarios run, installed first if need be.
pub(crate) fn schemathesis() -> Result<PathBuf, String> {
    Ok(SCHEMATHESIS.ready()?.join("schemathesis"))
}

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
