//! Walking through the document.

use axum::http::Method;
use pombal_control_plane::api;
use serde_json::{Value, json};

/// One operation of the document.
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) template: String,
    /// As it stands in the document, with the parameters and answers that it refers to.
    pub(crate) spec: Value,
}

/// The document as the code makes it.
pub(crate) fn document() -> Value {
    serde_json::to_value(api::document()).unwrap()
}

/// Every operation, in the order of the document.
pub(crate) fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(template, item)| {
        item.as_object()
            .unwrap()
            .iter()
            .map(move |(method, spec)| Operation {
                method: method.to_uppercase().parse().unwrap(),
                template: template.clone(),
                spec: whole(document, spec),
            })
    });
    all.collect()
}

/// An operation with what it refers to in place.
fn whole(document: &Value, spec: &Value) -> Value {
    let mut spec = spec.clone();
    let put = |part: &mut Value| *part = resolve(document, part).clone();
    let parameters = spec.get_mut("parameters").and_then(Value::as_array_mut);
    parameters.into_iter().flatten().for_each(put);
    let responses = spec.get_mut("responses").and_then(Value::as_object_mut);
    let responses = responses.into_iter().flat_map(|all| all.values_mut());
    responses.for_each(put);
    spec
}

/// What a reference leads to; other things are what they are.
pub(crate) fn resolve<'a>(document: &'a Value, thing: &'a Value) -> &'a Value {
    match thing.get("$ref").and_then(Value::as_str) {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => thing,
    }
}

/// What is wrong with `value` by a schema of the document.
pub(crate) fn violations(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let root = json!({ "allOf": [schema], "components": document["components"] });
    let validator = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(&root)
        .unwrap();
    let errors = validator.iter_errors(value);
    errors
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect()
}

impl Operation {
    /// For messages.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.template)
    }

    /// The path with the examples of its parameters, and those of the query behind it.
    pub(crate) fn path(&self) -> String {
        let mut path = self.template.clone();
        let mut query = Vec::new();
        for parameter in self.spec["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let example = match &parameter["example"] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            match parameter["in"].as_str() {
                Some("path") => path = path.replace(&format!("{{{name}}}"), &example),
                Some("query") => query.push(format!("{name}={example}")),
                _ => {}
            }
        }
        if query.is_empty() {
            path
        } else {
            format!("{path}?{}", query.join("&"))
        }
    }

    /// The schema of the body.
    pub(crate) fn body_schema(&self) -> Option<&Value> {
        self.spec
            .pointer("/requestBody/content/application~1json/schema")
    }

    /// The examples of the body, with their names.
    pub(crate) fn examples(&self) -> Vec<(String, Value)> {
        let examples = self
            .spec
            .pointer("/requestBody/content/application~1json/examples");
        let examples = examples.and_then(Value::as_object).into_iter().flatten();
        examples
            .map(|(name, example)| (name.clone(), example["value"].clone()))
            .collect()
    }

    /// The best that can come of it: success, or 400 where nothing else is described.
    pub(crate) fn wanted_status(&self) -> u16 {
        let responses = self.spec["responses"].as_object().unwrap();
        let statuses = responses
            .keys()
            .map(|status| status.parse::<u16>().unwrap());
        statuses.min().filter(|status| *status < 400).unwrap_or(400)
    }
}
