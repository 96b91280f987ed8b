//! Protobuf messages as the JSON that the contract shows.

use serde::Serialize;
use serde_json::{Map, Value};

/// `message` with its unset fields left out and its names in camel case.
///
/// `waproto` serialises each field, set or not, under its Rust name.
pub(crate) fn to_json(message: &impl Serialize) -> Value {
    serde_json::to_value(message)
        .ok()
        .and_then(prune)
        .unwrap_or_else(|| Value::Object(Map::new()))
}

fn prune(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(prune).collect())),
        Value::Object(fields) => Some(Value::Object(
            fields
                .into_iter()
                .filter_map(|(name, value)| Some((camel_case(&name), prune(value)?)))
                .collect(),
        )),
        other => Some(other),
    }
}

fn camel_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut upper = false;
    for c in name.chars() {
        if c == '_' {
            upper = !out.is_empty();
        } else if upper {
            out.extend(c.to_uppercase());
            upper = false;
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use whatsapp_rust::prelude::{MessageBuilderExt, MessageField};
    use whatsapp_rust::waproto::whatsapp as wa;

    use super::*;

    #[test]
    fn unset_fields_are_left_out() {
        assert_eq!(
            to_json(&wa::Message::text("hi")),
            json!({ "conversation": "hi" })
        );
        let message = wa::Message {
            extended_text_message: MessageField::some(wa::message::ExtendedTextMessage {
                text: Some("hi".into()),
                matched_text: Some("x".into()),
                ..Default::default()
            }),
            ..Default::default()
        };
        assert_eq!(
            to_json(&message),
            json!({ "extendedTextMessage": { "text": "hi", "matchedText": "x" } })
        );
    }
}
