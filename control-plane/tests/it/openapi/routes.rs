//! Which routes there are, and which are described.

use std::collections::BTreeSet;

use axum::http::Method;
use pombal_control_plane::api;
use pombal_control_plane::config::MetricsConfig;
use serde_json::{Value, json};

use super::walk::{document, operations};
use crate::app::TestApp;

/// A route has some of these. `HEAD` comes with `GET`, and every route has `OPTIONS`.
const METHODS: [Method; 5] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

#[tokio::test]
async fn every_route_is_described_and_no_other() {
    let app = TestApp::start_with(|options| {
        options.metrics = Some(MetricsConfig::default());
    })
    .await;
    let mut there = BTreeSet::new();
    for template in api::templates() {
        let path = template.replace(['{', '}'], "");
        for method in METHODS {
            let answer = app.call(method.clone(), &path).send().await;
            let unknown = json!([format!("Cannot {method} {path}")]);
            if answer.body["response"]["message"] != unknown {
                there.insert(format!("{method} {template}"));
            }
        }
    }
    let document = document();
    let described: BTreeSet<_> = operations(&document)
        .iter()
        .map(|operation| operation.name())
        .collect();
    let missing: Vec<_> = there.difference(&described).collect();
    let gone: Vec<_> = described.difference(&there).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "not described: {missing:#?}\ndescribed, but not there: {gone:#?}\n\
         docs/adding-an-endpoint.md says where descriptions are"
    );
}

#[test]
fn operations_have_names_of_their_own() {
    let document = document();
    let operations = operations(&document);
    let names: BTreeSet<_> = operations
        .iter()
        .map(|o| o.spec["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), operations.len());
}

#[test]
fn what_wants_a_key_says_what_happens_without() {
    let document = document();
    for operation in operations(&document) {
        let wants_key = operation.spec["security"] == json!([{ "apikey": [] }]);
        let says = operation
            .spec
            .pointer("/responses/401")
            .is_some_and(Value::is_object);
        assert!(says || !wants_key, "{}", operation.name());
    }
}
