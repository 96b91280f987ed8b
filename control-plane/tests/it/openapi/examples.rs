//! Every example of the document is sent, and answered as the document says.

use serde_json::Value;

use super::walk::{Operation, document, operations, violations};
use super::world::World;
use crate::app::Answer;

#[tokio::test]
async fn every_example_is_answered_as_described() {
    let document = document();
    let world = World::start().await;
    for operation in operations(&document) {
        let examples = operation.examples();
        let has_body = operation.body_schema().is_some();
        assert!(
            has_body != examples.is_empty(),
            "{} has no example",
            operation.name()
        );
        if !has_body {
            check(&document, &world, &operation, "no body", None).await;
        }
        for (name, body) in examples {
            check(&document, &world, &operation, &name, Some(body)).await;
        }
    }
}

async fn check(
    document: &Value,
    world: &World,
    operation: &Operation,
    name: &str,
    body: Option<Value>,
) {
    world.prepare().await;
    let call = world
        .app
        .call(operation.method.clone(), &operation.path())
        .global();
    let answer = match body {
        Some(body) => call.json(&body).await,
        None => call.send().await,
    };
    let what = format!(
        "{}, {name}: {} {}",
        operation.name(),
        answer.status,
        answer.body
    );
    // The one route whose key can't stand in a document: its links are signed.
    let wanted = if operation.template.starts_with("/media/") {
        401
    } else {
        operation.wanted_status()
    };
    assert_eq!(answer.status.as_u16(), wanted, "{what}");
    let response = &operation.spec["responses"][wanted.to_string()];
    assert_described(document, response, &answer, &what);
}

fn assert_described(document: &Value, response: &Value, answer: &Answer, what: &str) {
    let Some(content) = response["content"].as_object() else {
        assert!(
            answer.bytes.is_empty(),
            "{what}: a body that is not described"
        );
        return;
    };
    let (kind, media) = content.iter().next().unwrap();
    let sent = answer.header("content-type");
    assert!(sent.starts_with(kind), "{what}: {sent} for {kind}");
    if let Some(schema) = media.get("schema") {
        let found = violations(document, schema, &answer.body);
        assert!(found.is_empty(), "{what}: {found:#?}");
    }
}

#[test]
fn examples_have_the_shape_that_is_described() {
    let document = document();
    for operation in operations(&document) {
        for (name, body) in operation.examples() {
            let found = violations(&document, operation.body_schema().unwrap(), &body);
            assert!(found.is_empty(), "{}, {name}: {found:#?}", operation.name());
        }
        for (status, response) in operation.spec["responses"].as_object().unwrap() {
            for media in response["content"]
                .as_object()
                .into_iter()
                .flat_map(|c| c.values())
            {
                if let (Some(schema), Some(example)) = (media.get("schema"), media.get("example")) {
                    let found = violations(&document, schema, example);
                    assert!(
                        found.is_empty(),
                        "{}, {status}: {found:#?}",
                        operation.name()
                    );
                }
            }
        }
    }
}
