//! YAML of templates as JSON: its tags in their long form.

use serde_json::{Map, Value, json};

/// Reads a template.
///
/// # Panics
/// When it is no YAML, or says something twice.
pub(crate) fn parse(text: &str) -> Value {
    plain(yaml_serde::from_str(text).unwrap())
}

fn plain(value: yaml_serde::Value) -> Value {
    use yaml_serde::Value as Yaml;
    match value {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => Value::Bool(flag),
        Yaml::Number(number) => serde_json::to_value(number).unwrap(),
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(list) => list.into_iter().map(plain).collect(),
        Yaml::Mapping(map) => map.into_iter().map(entry).collect::<Map<_, _>>().into(),
        Yaml::Tagged(tagged) => function(&tagged.tag.to_string(), plain(tagged.value)),
    }
}

fn entry((key, value): (yaml_serde::Value, yaml_serde::Value)) -> (String, Value) {
    let key = match key {
        yaml_serde::Value::String(key) => key,
        // As in a key that is a number.
        other => plain(other).to_string(),
    };
    (key, plain(value))
}

/// `!Sub x` is `{"Fn::Sub": x}`.
fn function(tag: &str, value: Value) -> Value {
    match (tag.trim_start_matches('!'), value) {
        ("Ref", value) => json!({ "Ref": value }),
        ("Condition", value) => json!({ "Condition": value }),
        ("GetAtt", Value::String(path)) => {
            let (name, attribute) = path.split_once('.').unwrap();
            json!({ "Fn::GetAtt": [name, attribute] })
        }
        (name, value) => json!({ format!("Fn::{name}"): value }),
    }
}
