//! Walking through the document.

use axum::http::Method;
use pombal_control_plane::api;
use serde_json::{Value, json};

/// One operation of the document.
pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) template: String,
    /// As it stands in the document.
    pub(super) spec: Value,
}

/// The document as the code makes it.
pub(super) fn document() -> Value {
    serde_json::to_value(api::document()).unwrap()
}

/// Every operation, in the order of the document.
pub(super) fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(template, item)| {
        item.as_object()
            .unwrap()
            .iter()
            .map(move |(method, spec)| Operation {
                method: method.to_uppercase().parse().unwrap(),
                template: template.clone(),
                spec: spec.clone(),
            })
    });
    all.collect()
}

/// What a reference leads to; other things are what they are.
pub(super) fn resolve<'a>(document: &'a Value, thing: &'a Value) -> &'a Value {
    match thing.get("$ref").and_then(Value::as_str) {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => thing,
    }
}

/// What is wrong with `value` by a schema of the document.
pub(super) fn violations(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
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
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.template)
    }

    /// It is about Meta's Cloud API, which a linked device does not have.
    pub(super) fn is_of_cloud(&self) -> bool {
        self.spec["tags"] == json!(["Cloud API"])
    }

    /// The path with the examples of its parameters, and those of the query behind it.
    pub(super) fn path(&self) -> String {
        let mut path = self.template.clone();
        let mut query = Vec::new();
        for parameter in self.spec["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let example = match &parameter["example"] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            if parameter["in"] == "path" {
                path = path.replace(&format!("{{{name}}}"), &example);
            } else {
                query.push(format!("{name}={example}"));
            }
        }
        if query.is_empty() {
            path
        } else {
            format!("{path}?{}", query.join("&"))
        }
    }

    /// The schema of the body.
    pub(super) fn body_schema(&self) -> Option<&Value> {
        self.spec
            .pointer("/requestBody/content/application~1json/schema")
    }

    /// The examples of the body, with their names.
    pub(super) fn examples(&self) -> Vec<(String, Value)> {
        let examples = self
            .spec
            .pointer("/requestBody/content/application~1json/examples");
        let examples = examples.and_then(Value::as_object).into_iter().flatten();
        examples
            .map(|(name, example)| (name.clone(), example["value"].clone()))
            .collect()
    }

    /// The best that can come of it: success, or 400 where nothing else is described.
    pub(super) fn wanted_status(&self) -> u16 {
        if self.is_of_cloud() {
            return 400;
        }
        let responses = self.spec["responses"].as_object().unwrap();
        let statuses = responses
            .keys()
            .map(|status| status.parse::<u16>().unwrap());
        statuses.min().filter(|status| *status < 400).unwrap_or(400)
    }
}
