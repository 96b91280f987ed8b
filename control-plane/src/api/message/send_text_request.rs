//! The body of `sendText`, of v2 and of v1.

use pombal_domain::command::{Quoted, SendText};
use pombal_domain::{MessageId, Recipient};
use serde_json::{Map, Value};

use crate::api::error::ApiError;
use crate::api::fields::{BAD_NUMBER, Fields};

/// Longest text in characters that `WhatsApp` takes.
const MAX_TEXT_CHARS: usize = 65_536;
/// Longest `number` in characters; every JID is shorter.
const MAX_NUMBER_CHARS: usize = 128;
/// Most JIDs in one message: the size of the largest group.
const MAX_MENTIONS: usize = 1024;
/// The description that the original's schema shows instead of the violation.
const BAD_DELAY: &str = "Enter a value in milliseconds";
const BAD_MENTIONS: &str = "\"mentioned\" must be an array of numeric strings";

/// A text to send, and the number as the client wrote it.
pub(super) struct SendTextRequest {
    pub(super) text: SendText,
    pub(super) number: String,
    /// Whether a link in it is shown with a preview. Only the Cloud API asks.
    pub(super) link_preview: Option<bool>,
}

impl SendTextRequest {
    pub(super) fn parse(body: &Map<String, Value>) -> Result<Self, ApiError> {
        let empty = Map::new();
        let mut fields = Fields::root(body);
        let number = number(&mut fields);
        let text = text(&mut fields);
        // v1 keeps these in an object of their own.
        let options = fields.object("options").unwrap_or(&empty);
        let either = |name: &str| body.get(name).or_else(|| options.get(name));
        let delay_ms = either("delay").and_then(|value| delay(&mut fields, value));
        let quoted = either("quoted").and_then(|value| quoted(&mut fields, value));
        let mentioned = body
            .get("mentioned")
            .or_else(|| options.get("mentions").and_then(|m| m.get("mentioned")))
            .map(|value| mentioned(&mut fields, value))
            .unwrap_or_default();
        let link_preview = fields.bool("linkPreview");
        fields.require("number");
        if !body.contains_key("textMessage") {
            fields.require("text");
        }
        fields.finish()?;
        let text = text.unwrap_or_default();
        if text.trim().is_empty() {
            return Err(ApiError::bad_request("Text is required"));
        }
        let number = number.unwrap_or_default();
        let to =
            Recipient::parse(&number).map_err(|_| ApiError::schema(vec![BAD_NUMBER.to_owned()]))?;
        let text = SendText {
            to,
            text,
            message_id: MessageId::random(),
            delay_ms: delay_ms.unwrap_or_default(),
            quoted,
            mentioned,
        };
        Ok(Self {
            text,
            number,
            link_preview,
        })
    }
}

pub(super) fn number(fields: &mut Fields<'_>) -> Option<String> {
    match fields.get("number")? {
        Value::String(text) if text.chars().count() <= MAX_NUMBER_CHARS => Some(text.clone()),
        _ => {
            fields.violate("Invalid format");
            None
        }
    }
}

fn text(fields: &mut Fields<'_>) -> Option<String> {
    if let Some(text) = fields.string("text", MAX_TEXT_CHARS) {
        return Some(text);
    }
    let message = fields.object("textMessage")?;
    let mut inner = Fields::nested(message, "textMessage");
    let text = inner.string("text", MAX_TEXT_CHARS);
    inner.require("text");
    fields.absorb(inner);
    text
}

pub(super) fn delay(fields: &mut Fields<'_>, value: &Value) -> Option<u32> {
    let number = match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    };
    let delay = number.and_then(|n: u64| u32::try_from(n).ok());
    if delay.is_none() {
        fields.violate(BAD_DELAY);
    }
    delay
}

pub(super) fn quoted(fields: &mut Fields<'_>, value: &Value) -> Option<Quoted> {
    let Some(object) = value.as_object() else {
        fields.wrong_type("quoted", "object");
        return None;
    };
    let key = object.get("key").and_then(Value::as_object);
    let Some(id) = key.and_then(|key| key.get("id")).and_then(Value::as_str) else {
        fields.violate("quoted.key requires property \"id\"");
        return None;
    };
    let of_key = |name: &str| key.and_then(|key| key.get(name));
    let text_of = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let message = object.get("message");
    let extended = message
        .and_then(|m| m.get("extendedTextMessage"))
        .and_then(|e| e.get("text"));
    Some(Quoted {
        id: MessageId::from_wire(id),
        participant: text_of(of_key("participant")),
        from_me: of_key("fromMe").and_then(Value::as_bool).unwrap_or(false),
        text: text_of(message.and_then(|m| m.get("conversation"))).or_else(|| text_of(extended)),
    })
}

fn mentioned(fields: &mut Fields<'_>, value: &Value) -> Vec<String> {
    let jids = value
        .as_array()
        .filter(|items| items.len() <= MAX_MENTIONS)
        .and_then(|items| {
            let jid = |item: &Value| Recipient::parse(item.as_str()?).ok().map(|to| to.jid());
            items.iter().map(jid).collect::<Option<Vec<_>>>()
        });
    if jids.is_none() {
        fields.violate(BAD_MENTIONS);
    }
    jids.unwrap_or_default()
}
