//! Every field of a body that is described is read: it stands in an example, and a value of
//! another type in its place is refused.

use serde_json::{Value, json};

use super::walk::{Operation, document, operations, resolve};
use super::world::World;

/// Fields that are read only if they are what they should be, as in the original.
const LENIENT: [&str; 7] = [
    "/quoted/key/fromMe",
    "/quoted/key/participant",
    "/quoted/message",
    // A proxy without a host is none.
    "/proxyPort",
    "/proxyProtocol",
    "/proxyUsername",
    "/proxyPassword",
];

#[tokio::test]
async fn every_field_is_read() {
    let document = document();
    let world = World::start().await;
    world.prepare().await;
    let operations = operations(&document);
    // Meta is refused nothing: it would send the same again, for days.
    for operation in operations
        .iter()
        .filter(|operation| operation.template != "/webhook/meta")
    {
        let Some(schema) = operation.body_schema() else {
            continue;
        };
        let mut fields = Vec::new();
        collect(&document, schema, "", &mut fields);
        for field in fields {
            check(&world, operation, &field).await;
        }
    }
}

async fn check(world: &World, operation: &Operation, field: &str) {
    let what = format!("{} {field}", operation.name());
    let examples = operation.examples();
    let mut bodies = examples.into_iter().map(|(_, body)| body);
    let mut body = bodies
        .find(|body| body.pointer(field).is_some())
        .unwrap_or_else(|| panic!("{what} stands in no example"));
    // What is switched off is not looked at closely.
    if body["enabled"] == json!(false) && field != "/enabled" {
        body["enabled"] = json!(true);
    }
    if LENIENT.contains(&field) {
        return;
    }
    let value = body.pointer_mut(field).unwrap();
    *value = if value.is_object() {
        json!(["wrong"])
    } else {
        json!({ "wrong": 1 })
    };
    let answer = world
        .app
        .call(operation.method.clone(), &operation.path())
        .global();
    let answer = answer.json(&body).await;
    assert_eq!(answer.status, 400, "{what} is not read: {}", answer.body);
}

/// Pointers to the properties of a schema, and to theirs. Of a list, to those of the first.
fn collect(document: &Value, schema: &Value, at: &str, fields: &mut Vec<String>) {
    let schema = resolve(document, schema);
    for combined in ["allOf", "oneOf", "anyOf"] {
        for part in schema[combined].as_array().into_iter().flatten() {
            collect(document, part, at, fields);
        }
    }
    if let Some(items) = schema.get("items") {
        collect(document, items, &format!("{at}/0"), fields);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let field = format!("{at}/{name}");
        fields.push(field.clone());
        collect(document, property, &field, fields);
    }
}
