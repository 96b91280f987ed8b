//! One resource of a template.

use serde_json::Value;

/// A resource, and where it stands.
#[derive(Clone, Copy)]
pub struct Resource<'a> {
    /// The template.
    pub file: &'a str,
    /// Its logical id.
    pub name: &'a str,
    /// Its definition.
    pub value: &'a Value,
}

impl<'a> Resource<'a> {
    /// Its type.
    #[must_use]
    pub fn kind(&self) -> &'a str {
        self.value["Type"].as_str().unwrap_or_default()
    }

    /// A property; `Null` when it has none of this name.
    #[must_use]
    pub fn property(&self, name: &str) -> &'a Value {
        &self.value["Properties"][name]
    }

    /// What is wrong with it, as a line.
    pub(crate) fn wrong(&self, problem: impl std::fmt::Display) -> String {
        format!("{} {}: {problem}", self.file, self.name)
    }
}

/// A value as text, functions included: `!Sub` is its pattern, a reference is `${name}`.
#[must_use]
pub fn text(value: &Value) -> String {
    let of = |function: &str| value.get(function);
    if let Some(text) = value.as_str() {
        text.to_owned()
    } else if let Some(name) = of("Ref") {
        format!("${{{}}}", text(name))
    } else if let Some(path) = of("Fn::GetAtt").and_then(Value::as_array) {
        let path: Vec<_> = path.iter().map(text).collect();
        format!("${{{}}}", path.join("."))
    } else if let Some(pattern) = of("Fn::Sub") {
        pattern.get(0).map_or_else(|| text(pattern), text)
    } else {
        value.to_string()
    }
}

/// A list, or the one thing that stands for a list of it.
pub(crate) fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    }
}
