//! Secrets go from hidden parameters into Secrets Manager, and nowhere else.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{Resource, Templates};

const STACK: &str = "AWS::CloudFormation::Stack";

pub(super) fn check(templates: &Templates) -> Vec<String> {
    let mut wrong = Vec::new();
    for resource in templates.resources() {
        let file = templates.get(resource.file);
        let is_hidden = |name: &String| file["Parameters"][name]["NoEcho"] == true;
        match resource.kind() {
            "AWS::SecretsManager::Secret" => {
                let sources = named_in(resource.property("SecretString"));
                if sources.is_empty() || !sources.iter().all(is_hidden) {
                    wrong.push(resource.wrong("its value stands in the template"));
                }
            }
            STACK => wrong.extend(passed_on(templates, resource, is_hidden)),
            _ => {
                let shown = named_in(resource.value).into_iter().filter(is_hidden);
                wrong.extend(shown.map(|name| resource.wrong(format!("shows {name}"))));
            }
        }
    }
    wrong
}

/// What is hidden here must be hidden in the stack that it is passed on to.
fn passed_on(
    templates: &Templates,
    stack: Resource<'_>,
    is_hidden: impl Fn(&String) -> bool,
) -> Vec<String> {
    let file = stack.property("TemplateURL").as_str().unwrap_or_default();
    let passed = stack.property("Parameters").as_object();
    passed
        .into_iter()
        .flatten()
        .filter(|(_, value)| named_in(value).iter().any(&is_hidden))
        .filter(|(name, _)| templates.get(file)["Parameters"][name.as_str()]["NoEcho"] != true)
        .map(|(name, _)| stack.wrong(format!("{file} shows {name}")))
        .collect()
}

/// The parameters and resources that a value names, but for AWS's own.
fn named_in(value: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    match value {
        Value::Array(list) => names.extend(list.iter().flat_map(named_in)),
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value.as_str()) {
                    ("Ref", Some(name)) => names.extend([name.to_owned()]),
                    ("Fn::Sub", Some(pattern)) => names.extend(in_pattern(pattern)),
                    _ => names.extend(named_in(value)),
                }
            }
        }
        _ => {}
    }
    names.retain(|name| !name.starts_with("AWS::"));
    names
}

/// The names in a pattern of `!Sub`, `${Name}`.
fn in_pattern(pattern: &str) -> impl Iterator<Item = String> {
    let parts = pattern.split("${").skip(1);
    parts.filter_map(|part| Some(part.split_once('}')?.0.to_owned()))
}
