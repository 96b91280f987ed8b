//! The API's description is true: about which routes there are, what they take and answer.

mod examples;
mod fields;
mod pages;
mod routes;
mod walk;
mod world;

use std::fs;

use pombal_control_plane::api;

/// The document that is checked in.
const WRITTEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
/// Set by `cargo xtask openapi`.
const WRITE: &str = "POMBAL_WRITE_OPENAPI";

#[test]
fn the_document_that_is_checked_in_is_that_of_the_code() {
    let made = api::document().to_pretty_json().unwrap() + "\n";
    if std::env::var_os(WRITE).is_some() {
        fs::write(WRITTEN, made).unwrap();
        return;
    }
    let written = fs::read_to_string(WRITTEN).unwrap();
    assert!(
        written == made,
        "docs/openapi.json is not what the code says: run `cargo xtask openapi`"
    );
}
