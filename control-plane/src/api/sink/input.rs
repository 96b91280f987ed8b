//! The ways in which clients write a sink: under its name, or flat as the Python client does.

use pombal_domain::time::UnixMs;
use pombal_domain::{EventName, SinkConfig, SinkKind};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::api::error::ApiError;
use crate::api::fields::Fields;

/// A sink as a client wants it; what is left out is `None`.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::api) struct SinkInput {
    enabled: Option<bool>,
    events: Option<Vec<EventName>>,
}

impl SinkInput {
    /// Reads the body of `set`.
    pub(super) fn from_set(kind: SinkKind, body: &Map<String, Value>) -> Result<Self, ApiError> {
        let object = match body.get(kind.as_str()) {
            Some(Value::Object(nested)) => nested,
            Some(_) => {
                return Err(ApiError::schema(vec![format!(
                    "{} is not of a type(s) object",
                    kind.as_str()
                )]));
            }
            None => body,
        };
        let mut fields = Fields::nested(object, kind.as_str());
        let input = Self::read(&mut fields, ["enabled"], ["events"]);
        fields.require("enabled");
        fields.finish()?;
        Ok(input)
    }

    /// Reads the sink out of the body of `create`: an object under its name, or the fields of
    /// v1. `None`: there is none.
    pub(in crate::api) fn from_create(
        kind: SinkKind,
        body: &Map<String, Value>,
    ) -> (Option<Self>, Vec<String>) {
        let name = kind.as_str();
        let (input, fields) = match body.get(name) {
            Some(Value::Object(nested)) => {
                let mut fields = Fields::nested(nested, name);
                (Self::read(&mut fields, ["enabled"], ["events"]), fields)
            }
            _ => {
                let mut fields = Fields::root(body);
                let enabled = [format!("{name}Enabled"), format!("{name}_enabled")];
                let events = [format!("{name}Events"), format!("{name}_events")];
                let input = Self::read(
                    &mut fields,
                    enabled.each_ref().map(String::as_str),
                    events.each_ref().map(String::as_str),
                );
                if body.contains_key(name) {
                    fields.wrong_type(name, "object");
                }
                (input, fields)
            }
        };
        let is_given = input.enabled.is_some() || input.events.is_some();
        (is_given.then_some(input), fields.into_violations())
    }

    fn read<const A: usize, const B: usize>(
        fields: &mut Fields<'_>,
        enabled: [&str; A],
        events: [&str; B],
    ) -> Self {
        Self {
            enabled: fields.spelling(&enabled).and_then(|name| fields.bool(name)),
            events: fields.spelling(&events).map(|name| fields.events(name)),
        }
    }

    /// The row to store. No events mean all of them, as in the original.
    pub(in crate::api) fn merge(self, old: Option<&SinkConfig>, now: UnixMs) -> SinkConfig {
        let enabled = self.enabled.unwrap_or(true);
        SinkConfig {
            id: old.map_or_else(Uuid::new_v4, |old| old.id),
            enabled,
            events: EventName::subscription(enabled, self.events.unwrap_or_default()),
            created_at: old.map_or(now, |old| old.created_at),
            updated_at: now,
        }
    }
}
