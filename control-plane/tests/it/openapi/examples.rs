//! Every example of the document is sent, and answered as the document says.

use fake_graph::webhook;
use serde_json::Value;

use super::walk::{Operation, document, operations, violations};
use super::world::{DEVICE, SHOP, World};
use crate::app::Answer;
use crate::business::rig::APP_SECRET;

#[tokio::test]
async fn every_example_is_answered_as_described() {
    let document = document();
    let world = World::start().await;
    let mut is_fresh = false;
    for operation in operations(&document) {
        for (name, body) in requests(&operation) {
            if !is_fresh {
                world.prepare().await;
            }
            let answer = send(&world, &operation, &operation.path(), body).await;
            // The one route whose key can't stand in a document: its links are signed.
            let wanted = if operation.template.starts_with("/media/") {
                401
            } else {
                operation.wanted_status()
            };
            assert_answered(&document, &operation, &name, &answer, wanted);
            // What is refused changes nothing.
            is_fresh = wanted >= 400;
        }
    }
}

/// Texts can be sent by both kinds of instances.
#[tokio::test]
async fn a_text_through_the_cloud_api_is_answered_as_described() {
    let document = document();
    let world = World::start().await;
    world.prepare().await;
    let all = operations(&document);
    let text = all
        .iter()
        .find(|operation| operation.template == "/message/sendText/{name}")
        .unwrap();
    for (name, body) in requests(text) {
        let path = text.path().replace(DEVICE, SHOP);
        let answer = send(&world, text, &path, body).await;
        assert_answered(&document, text, &name, &answer, 201);
    }
}

#[tokio::test]
async fn a_linked_device_is_refused_what_the_cloud_api_has_as_described() {
    let document = document();
    let world = World::start().await;
    world.prepare().await;
    let mut count = 0;
    for operation in operations(&document) {
        if !operation.path().ends_with(&format!("/{SHOP}")) {
            continue;
        }
        for (name, body) in requests(&operation) {
            let path = operation.path().replace(SHOP, DEVICE);
            let answer = send(&world, &operation, &path, body).await;
            assert_answered(&document, &operation, &name, &answer, 400);
            count += 1;
        }
    }
    assert!(count > 15, "only {count} requests");
}

/// The bodies of the examples with their names; one without a body for who takes none.
fn requests(operation: &Operation) -> Vec<(String, Option<Value>)> {
    let examples = operation.examples();
    let has_body = operation.body_schema().is_some();
    assert!(
        has_body != examples.is_empty(),
        "{} has no example",
        operation.name()
    );
    if has_body {
        let examples = examples.into_iter();
        examples.map(|(name, body)| (name, Some(body))).collect()
    } else {
        vec![("no body".to_owned(), None)]
    }
}

async fn send(world: &World, operation: &Operation, path: &str, body: Option<Value>) -> Answer {
    let call = world.app.call(operation.method.clone(), path).global();
    match body {
        Some(body) if operation.template == "/webhook/meta" => {
            let signature = webhook::signature(APP_SECRET, &body.to_string());
            let call = call.header("x-hub-signature-256", &signature);
            call.json(&body).await
        }
        Some(body) => call.json(&body).await,
        None => call.send().await,
    }
}

fn assert_answered(
    document: &Value,
    operation: &Operation,
    example: &str,
    answer: &Answer,
    wanted: u16,
) {
    let (route, status) = (operation.name(), answer.status);
    let what = format!("{route}, {example}: {status} {}", answer.body);
    assert_eq!(answer.status.as_u16(), wanted, "{what}");
    let response = &operation.spec["responses"][wanted.to_string()];
    assert_described(document, response, answer, &what);
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
                let several = media["examples"].as_object().into_iter().flatten();
                let examples = several.map(|(_, example)| &example["value"]);
                for example in examples.chain(media.get("example")) {
                    let found = violations(&document, &media["schema"], example);
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
