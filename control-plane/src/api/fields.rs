//! Reading fields with the wording of the original's schema errors (contract § 0.2).

use pombal_domain::EventName;
use serde_json::{Map, Value};

use super::error::ApiError;

/// The pattern of a `number` field. The text shows it as JSON, backslashes doubled.
pub(super) const BAD_NUMBER: &str = r#"number does not match pattern "^\\d+[\\.@\\w-]+""#;

/// Reads one object and collects every violation in the order of the reads.
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    prefix: &'a str,
    violations: Vec<String>,
}

impl<'a> Fields<'a> {
    /// Reads the body itself.
    pub(super) fn root(object: &'a Map<String, Value>) -> Self {
        Self {
            object,
            prefix: "",
            violations: Vec::new(),
        }
    }

    /// Reads an object inside the body; `name` stands before the fields in texts.
    pub(super) fn nested(object: &'a Map<String, Value>, name: &'a str) -> Self {
        Self {
            object,
            prefix: name,
            violations: Vec::new(),
        }
    }

    /// The raw field.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name)
    }

    /// Adds a violation.
    pub(super) fn violate(&mut self, text: impl Into<String>) {
        self.violations.push(text.into());
    }

    /// The field with its prefix, as texts name it.
    pub(super) fn path(&self, name: &str) -> String {
        if self.prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.prefix)
        }
    }

    /// A string of at most `max` characters.
    pub(super) fn string(&mut self, name: &str, max: usize) -> Option<String> {
        match self.get(name)? {
            Value::String(text) if text.chars().take(max + 1).count() > max => {
                self.violate(format!(
                    "{} does not meet maximum length of {max}",
                    self.path(name)
                ));
                None
            }
            Value::String(text) => Some(text.clone()),
            _ => {
                self.wrong_type(name, "string");
                None
            }
        }
    }

    /// A boolean, or its name as forms send it.
    pub(super) fn bool(&mut self, name: &str) -> Option<bool> {
        match self.get(name)? {
            Value::Bool(yes) => Some(*yes),
            Value::String(text) if text == "true" => Some(true),
            Value::String(text) if text == "false" => Some(false),
            _ => {
                self.wrong_type(name, "boolean");
                None
            }
        }
    }

    /// The first of several spellings that is present.
    pub(super) fn spelling<'n>(&self, names: &[&'n str]) -> Option<&'n str> {
        names
            .iter()
            .copied()
            .find(|name| self.object.contains_key(*name))
    }

    /// An object inside this one.
    pub(super) fn object(&mut self, name: &str) -> Option<&'a Map<String, Value>> {
        match self.get(name)? {
            Value::Object(object) => Some(object),
            _ => {
                self.wrong_type(name, "object");
                None
            }
        }
    }

    /// A list of events, each once.
    pub(super) fn events(&mut self, name: &str) -> Vec<EventName> {
        let Some(Value::Array(items)) = self.get(name) else {
            self.wrong_type(name, "array");
            return Vec::new();
        };
        let mut events = Vec::new();
        for (i, item) in items.iter().enumerate() {
            match item.as_str().map(str::parse::<EventName>) {
                Some(Ok(event)) if events.contains(&event) => {}
                Some(Ok(event)) => events.push(event),
                _ => {
                    let known: Vec<_> = EventName::ALL.iter().map(|e| e.config()).collect();
                    self.violate(format!(
                        "{}[{i}] is not one of enum values: {}",
                        self.path(name),
                        known.join(",")
                    ));
                }
            }
        }
        events
    }

    /// Notes that the object lacks `name`, unless it is there.
    pub(super) fn require(&mut self, name: &str) {
        if !self.object.contains_key(name) {
            let whole = if self.prefix.is_empty() {
                "instance"
            } else {
                self.prefix
            };
            self.violate(format!("{whole} requires property \"{name}\""));
        }
    }

    /// Notes that `name` has another type than `wanted`.
    pub(super) fn wrong_type(&mut self, name: &str, wanted: &str) {
        self.violate(format!("{} is not of a type(s) {wanted}", self.path(name)));
    }

    /// Notes what `inner`, an object inside of this one, has violated.
    pub(super) fn absorb(&mut self, inner: Fields<'_>) {
        self.violations.extend(inner.violations);
    }

    /// What has been violated so far, for a caller that reads several objects.
    pub(super) fn into_violations(self) -> Vec<String> {
        self.violations
    }

    /// Everything was in order, or 400 with all violations.
    pub(super) fn finish(self) -> Result<(), ApiError> {
        if self.violations.is_empty() {
            Ok(())
        } else {
            Err(ApiError::schema(self.violations))
        }
    }
}
