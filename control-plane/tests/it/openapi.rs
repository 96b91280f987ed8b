//! The API's description is true: about which routes there are, what they take and answer.

mod examples;
mod fields;
mod pages;
mod routes;
pub(crate) mod walk;
mod world;

use std::fs;

use pombal_control_plane::api;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::PrettyFormatter;
use utoipa::openapi::OpenApi;

/// The document that is checked in.
const WRITTEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
/// Set by `cargo xtask openapi`.
const WRITE: &str = "POMBAL_WRITE_OPENAPI";

#[test]
fn the_document_that_is_checked_in_is_that_of_the_code() {
    let made = text(&api::document());
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

/// A line for each thing, and no wider than need be: what is served is this text.
fn text(document: &OpenApi) -> String {
    let mut text = Vec::new();
    let format = PrettyFormatter::with_indent(b" ");
    let mut serializer = Serializer::with_formatter(&mut text, format);
    document.serialize(&mut serializer).unwrap();
    text.push(b'\n');
    String::from_utf8(text).unwrap()
}
