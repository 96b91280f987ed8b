//! Bodies as SQS takes them.
//!
//! SQS takes text of the characters of XML 1.0 only: `#x9 | #xA | #xD | #x20-#xD7FF |
//! #xE000-#xFFFD | #x10000-#x10FFFF`
//! (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>).
//! JSON may hold others, say U+FFFF in a chat: such a body travels as a binary attribute.

use std::collections::HashMap;

use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::MessageAttributeValue;

/// The attribute that holds a body which SQS would not take as text.
pub const ATTRIBUTE: &str = "body";
const TYPE: &str = "Binary";
/// Stands for the body then: SQS wants one character at least.
const STAND_IN: &str = "-";

/// A body's text and attributes.
pub(super) type Parts = (String, Option<HashMap<String, MessageAttributeValue>>);

pub(super) fn encode(body: &str) -> Result<Parts, BuildError> {
    if is_plain(body) {
        return Ok((body.to_owned(), None));
    }
    let value = MessageAttributeValue::builder()
        .data_type(TYPE)
        .binary_value(Blob::new(body))
        .build()?;
    let attributes = HashMap::from([(ATTRIBUTE.to_owned(), value)]);
    Ok((STAND_IN.to_owned(), Some(attributes)))
}

/// What [`encode`] made of a body; `None` when it made nothing like it.
pub(super) fn decode(
    text: String,
    attributes: Option<HashMap<String, MessageAttributeValue>>,
) -> Option<String> {
    match attributes.and_then(|mut all| all.remove(ATTRIBUTE)) {
        Some(value) => super::body_of(text, Some(value.binary_value?.into_inner())),
        None => Some(text),
    }
}

/// Bytes that count for SQS's limits: text, and names, types and values of attributes.
pub(super) fn size(body: &str) -> usize {
    if is_plain(body) {
        body.len()
    } else {
        STAND_IN.len() + ATTRIBUTE.len() + TYPE.len() + body.len()
    }
}

fn is_plain(body: &str) -> bool {
    body.chars().all(
        |c| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}'),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_body_comes_back() {
        for body in [
            "{}",
            "não \u{1F54A}\r\n\t",
            "\u{FFFE}",
            "a\u{0}b",
            "\u{FFFF}",
        ] {
            let (text, attributes) = encode(body).unwrap();
            assert!(is_plain(&text) && !text.is_empty());
            assert_eq!(attributes.is_none(), text == body);
            assert_eq!(decode(text, attributes).as_deref(), Some(body));
        }
        assert!(size("\u{FFFF}") > 3 && size("{}") == 2);
    }
}
