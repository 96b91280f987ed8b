//! Urlencoded bodies with `a[b]=c` for objects and `a[]=c` for arrays, as forms write them.

use serde_json::{Map, Value};

/// Deepest nesting that is followed; deeper brackets are ignored.
const MAX_DEPTH: usize = 4;

/// Reads a form. Every leaf is a string; see the lenient readers in
/// [`Fields`](crate::api::fields::Fields).
pub(super) fn parse(bytes: &[u8]) -> Map<String, Value> {
    let mut root = Map::new();
    for (key, value) in url::form_urlencoded::parse(bytes) {
        insert(&mut root, &key, value.into_owned());
    }
    root
}

/// Puts one pair of a form where its key says. A key that comes again makes an array.
pub(super) fn insert(root: &mut Map<String, Value>, key: &str, value: String) {
    let mut parts = key
        .split('[')
        .map(|part| part.strip_suffix(']').unwrap_or(part));
    let first = parts.next().unwrap_or_default().to_owned();
    let path: Vec<&str> = parts.take(MAX_DEPTH).collect();
    let slot = root.entry(first).or_insert(Value::Null);
    put(slot, &path, Value::String(value));
}

fn put(slot: &mut Value, path: &[&str], value: Value) {
    let Some((head, rest)) = path.split_first() else {
        match slot {
            Value::String(_) => *slot = Value::Array(vec![slot.take(), value]),
            Value::Array(items) => items.push(value),
            _ => *slot = value,
        }
        return;
    };
    let is_index = head.is_empty() || head.bytes().all(|b| b.is_ascii_digit());
    if is_index && !slot.is_object() {
        if !slot.is_array() {
            *slot = Value::Array(Vec::new());
        }
        if let Value::Array(items) = slot {
            let mut item = Value::Null;
            put(&mut item, rest, value);
            items.push(item);
        }
        return;
    }
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    if let Value::Object(object) = slot {
        put(
            object.entry((*head).to_owned()).or_insert(Value::Null),
            rest,
            value,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn brackets_nest() {
        let form =
            b"number=55+11&webhook[url]=http%3A%2F%2Fx&webhook[events][]=CALL&webhook[events][]=B";
        assert_eq!(
            Value::Object(parse(form)),
            json!({
                "number": "55 11",
                "webhook": { "url": "http://x", "events": ["CALL", "B"] },
            })
        );
        assert_eq!(
            Value::Object(parse(b"events=A&events=B&events=C&x[y]=1&x[y]=2")),
            json!({ "events": ["A", "B", "C"], "x": { "y": ["1", "2"] } })
        );
        assert_eq!(
            Value::Object(parse(b"a&=&b[=1&a[x]=2")),
            json!({"a": {"x": "2"}, "": "", "b": ["1"]})
        );
    }
}
