//! What a received message says, in the contract's words (§ 4.2).
//!
//! <https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages>

use pombal_domain::GraphId;
use serde_json::{Map, Value, json};

use super::{text, vcard};

/// Kind and body of a message.
pub(super) struct Content {
    /// `messageType`.
    pub(super) kind: String,
    /// `message`.
    pub(super) body: Value,
    /// The medium in it.
    pub(super) medium: Option<GraphId>,
}

impl Content {
    fn new(kind: &str, body: Value) -> Self {
        Self {
            kind: kind.to_owned(),
            body,
            medium: None,
        }
    }
}

/// The content. A kind that is not known is shown as it came, under its own name.
pub(super) fn of(message: &Value) -> Option<Content> {
    let kind = text(message, "type")?;
    let said = message.get(kind).unwrap_or(&Value::Null);
    let within = |name| text(said, name).unwrap_or_default();
    Some(match kind {
        "text" => Content::new("conversation", json!({ "conversation": within("body") })),
        "image" | "video" | "audio" | "document" | "sticker" => medium(kind, said),
        "location" => Content::new("locationMessage", json!({ "locationMessage": place(said) })),
        "reaction" => Content::new(
            "reactionMessage",
            json!({ "reactionMessage": {
                "key": { "id": within("message_id") },
                // A reaction that is taken back has none.
                "text": within("emoji"),
            }}),
        ),
        "interactive" => interactive(said),
        "button" => Content::new(
            "buttonMessage",
            json!({ "conversation": within("text"), "buttonMessage": said }),
        ),
        "contacts" => contacts(said),
        "system" => Content::new(
            "systemMessage",
            json!({ "conversation": within("body"), "systemMessage": said }),
        ),
        "unsupported" | "unknown" => Content::new(
            "unsupportedMessage",
            json!({ "unsupportedMessage": { "errors": message.get("errors") } }),
        ),
        other => {
            let kind = format!("{}Message", camel(other));
            let mut body = Map::new();
            body.insert(kind.clone(), said.clone());
            Content::new(&kind, Value::Object(body))
        }
    })
}

/// Meta's object, with the names that the contract has for its parts beside Meta's own.
fn medium(kind: &str, said: &Value) -> Content {
    let mut shown = said.as_object().cloned().unwrap_or_default();
    for (theirs, ours) in [
        ("mime_type", "mimetype"),
        ("filename", "fileName"),
        ("sha256", "fileSha256"),
        ("voice", "ptt"),
        ("animated", "isAnimated"),
    ] {
        if let Some(value) = shown.get(theirs).cloned() {
            shown.insert(ours.to_owned(), value);
        }
    }
    let kind = format!("{kind}Message");
    let mut body = Map::new();
    body.insert(kind.clone(), Value::Object(shown));
    Content {
        kind,
        body: Value::Object(body),
        medium: text(said, "id").and_then(|id| id.parse().ok()),
    }
}

fn place(said: &Value) -> Value {
    let mut place = Map::new();
    for (theirs, ours) in [
        ("latitude", "degreesLatitude"),
        ("longitude", "degreesLongitude"),
        ("name", "name"),
        ("address", "address"),
        ("url", "url"),
    ] {
        if let Some(value) = said.get(theirs) {
            place.insert(ours.to_owned(), value.clone());
        }
    }
    Value::Object(place)
}

/// The answer to buttons, a list or a flow: what was chosen as text, and all of it beside.
fn interactive(said: &Value) -> Content {
    let kind = text(said, "type").unwrap_or_default();
    let chosen = said.get(kind).unwrap_or(&Value::Null);
    let shown = ["title", "body", "name"]
        .iter()
        .find_map(|name| text(chosen, name))
        .unwrap_or_default();
    Content::new(
        "interactiveMessage",
        json!({ "conversation": shown, "interactiveMessage": said }),
    )
}

fn contacts(said: &Value) -> Content {
    let cards: Vec<Value> = said
        .as_array()
        .into_iter()
        .flatten()
        .map(|contact| {
            json!({
                "displayName": vcard::display_name(contact),
                "vcard": vcard::of(contact),
            })
        })
        .collect();
    match <[Value; 1]>::try_from(cards) {
        Ok([card]) => Content::new("contactMessage", json!({ "contactMessage": card })),
        Err(cards) => Content::new(
            "contactsArrayMessage",
            json!({ "contactsArrayMessage": {
                "displayName": format!("{} contacts", cards.len()),
                "contacts": cards,
            }}),
        ),
    }
}

/// `request_welcome` as `requestWelcome`.
fn camel(snake: &str) -> String {
    let mut words = snake.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(message: &Value) -> (String, Value) {
        let content = of(message).unwrap();
        (content.kind, content.body)
    }

    #[test]
    fn what_was_chosen_is_text_and_keeps_its_id() {
        let reply = json!({
            "type": "button_reply", "button_reply": { "id": "yes", "title": "Sim" },
        });
        let message = json!({ "type": "interactive", "interactive": reply });
        let shown = json!({ "conversation": "Sim", "interactiveMessage": reply });
        assert_eq!(content(&message), ("interactiveMessage".to_owned(), shown));
        let flow = json!({ "type": "nfm_reply", "nfm_reply": {
            "name": "flow", "body": "Sent", "response_json": "{}",
        }});
        let message = json!({ "type": "interactive", "interactive": flow });
        assert_eq!(content(&message).1["conversation"], "Sent");
    }

    #[test]
    fn no_kind_is_dropped() {
        for (kind, shown) in [
            ("order", "orderMessage"),
            ("request_welcome", "requestWelcomeMessage"),
            ("unsupported", "unsupportedMessage"),
            ("system", "systemMessage"),
        ] {
            let message = json!({ "type": kind, kind: { "body": "x" }, "errors": [] });
            let (kind, body) = content(&message);
            assert_eq!(kind, shown);
            assert!(body.get(shown).is_some(), "{body}");
        }
        assert!(of(&json!({})).is_none());
    }

    #[test]
    fn one_contact_is_a_card_and_several_are_a_list() {
        let person = |name: &str| json!({ "name": { "formatted_name": name } });
        let one = json!({ "type": "contacts", "contacts": [person("Ana")] });
        let (kind, body) = content(&one);
        assert_eq!(kind, "contactMessage");
        assert_eq!(body["contactMessage"]["displayName"], "Ana");
        let two = json!({ "type": "contacts", "contacts": [person("Ana"), person("Bia")] });
        let (kind, body) = content(&two);
        assert_eq!(kind, "contactsArrayMessage");
        let list = &body["contactsArrayMessage"]["contacts"];
        assert_eq!(list[1]["displayName"], "Bia");
    }
}
