//! Records of an SQS event source as received messages.

use aws_lambda_events::sqs::SqsMessage;
use pombal_store::queue::sqs::{BODY_ATTRIBUTE, body_of};
use pombal_store::queue::{Incoming, Receipt};

/// The message in a record; `None` when it is not ours, or damaged.
pub(super) fn incoming(record: &SqsMessage) -> Option<Incoming> {
    let attribute = record.message_attributes.get(BODY_ATTRIBUTE);
    let binary = match attribute {
        Some(attribute) => Some(attribute.binary_value.clone()?.0),
        None => None,
    };
    Some(Incoming {
        body: body_of(record.body.clone()?, binary)?,
        group: record.attributes.get("MessageGroupId").cloned(),
        attempts: record
            .attributes
            .get("ApproximateReceiveCount")?
            .parse()
            .ok()?,
        receipt: Receipt(record.receipt_handle.clone()?),
    })
}

/// The name of the queue that a record comes from: the end of its ARN.
pub(super) fn queue_name(record: &SqsMessage) -> &str {
    let arn = record.event_source_arn.as_deref().unwrap_or_default();
    arn.rsplit(':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(body: &str, attributes: serde_json::Value) -> SqsMessage {
        serde_json::from_value(json!({
            "messageId": "1",
            "receiptHandle": "r",
            "body": body,
            "attributes": { "ApproximateReceiveCount": "3", "MessageGroupId": "g" },
            "messageAttributes": attributes,
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:pombal-events.fifo",
            "awsRegion": "us-east-1",
        }))
        .unwrap()
    }

    #[test]
    fn a_record_is_read_as_the_queue_would() {
        let plain = record("{}", json!({}));
        assert_eq!(queue_name(&plain), "pombal-events.fifo");
        let read = incoming(&plain).unwrap();
        assert_eq!((read.body.as_str(), read.attempts), ("{}", 3));
        assert_eq!(read.group.as_deref(), Some("g"));
        // U+FFFF in UTF-8, which SQS takes for no text.
        let value = json!({ "binaryValue": "77+/", "dataType": "Binary" });
        let odd = record("-", json!({ "body": value }));
        assert_eq!(incoming(&odd).unwrap().body, "\u{FFFF}");
        let strange = record(
            "-",
            json!({ "body": { "stringValue": "x", "dataType": "String" } }),
        );
        assert!(incoming(&strange).is_none());
    }
}
