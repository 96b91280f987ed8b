//! Sending.

use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchRequestEntry};

use super::{SqsQueue, TRIES, body, pause, seconds};
use crate::queue::{Error, Outgoing};

/// The most that one request may carry, over all of its messages.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html>
const MAX_REQUEST_BYTES: usize = 1024 * 1024;

/// Splits a batch into requests that SQS takes, in order.
pub(super) fn parts(messages: &[Outgoing]) -> Vec<&[Outgoing]> {
    let (mut parts, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (at, message) in messages.iter().enumerate() {
        let size = body::size(&message.body);
        if at > start && bytes + size > MAX_REQUEST_BYTES {
            parts.push(&messages[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += size;
    }
    if start < messages.len() {
        parts.push(&messages[start..]);
    }
    parts
}

impl SqsQueue {
    /// Sends what fits into one request, and what SQS refuses of it again.
    pub(super) async fn send_part(&self, messages: &[Outgoing]) -> Result<(), Error> {
        let mut left = messages
            .iter()
            .enumerate()
            .map(|(at, message)| self.entry(at, message))
            .collect::<Result<Vec<_>, Error>>()?;
        for attempt in 1.. {
            let sent = self
                .client
                .send_message_batch()
                .queue_url(&self.url)
                .set_entries(Some(left.clone()))
                .send()
                .await
                .map_err(Error::storage)?;
            let failed = sent.failed();
            let Some(first) = failed.first() else { break };
            tracing::warn!(
                queue.url = self.url,
                messages.count = failed.len(),
                code = first.code(),
                "SQS refused messages of a batch"
            );
            if attempt == TRIES || failed.iter().any(BatchResultErrorEntry::sender_fault) {
                return Err(refused(first));
            }
            left.retain(|entry| failed.iter().any(|failed| failed.id() == entry.id()));
            pause(attempt).await;
        }
        Ok(())
    }

    fn entry(&self, at: usize, message: &Outgoing) -> Result<SendMessageBatchRequestEntry, Error> {
        let (text, attributes) = body::encode(&message.body).map_err(Error::storage)?;
        // A FIFO queue refuses any delay, zero too on some of its stand-ins.
        let delay = (!self.fifo).then(|| seconds(message.delay));
        SendMessageBatchRequestEntry::builder()
            .id(at.to_string())
            .message_body(text)
            .set_message_attributes(attributes)
            .set_message_group_id(message.group.clone())
            .set_message_deduplication_id(message.dedup.clone())
            .set_delay_seconds(delay)
            .build()
            .map_err(Error::storage)
    }
}

/// The error for a request of which SQS refused a part.
pub(super) fn refused(entry: &BatchResultErrorEntry) -> Error {
    Error::storage(format!(
        "SQS refused a part of the batch: {} {}",
        entry.code(),
        entry.message().unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn of_size(bytes: usize) -> Outgoing {
        Outgoing {
            body: "x".repeat(bytes),
            group: None,
            dedup: None,
            delay: Duration::ZERO,
        }
    }

    #[test]
    fn a_batch_is_split_where_it_gets_too_large() {
        let third = MAX_REQUEST_BYTES / 3;
        for (sizes, expected) in [
            (vec![], vec![]),
            (vec![1], vec![1]),
            (vec![third; 4], vec![3, 1]),
            (
                vec![MAX_REQUEST_BYTES, 1, MAX_REQUEST_BYTES - 1, 1],
                vec![1, 2, 1],
            ),
            (vec![1; 10], vec![10]),
        ] {
            let messages: Vec<_> = sizes.into_iter().map(of_size).collect();
            let parts = parts(&messages);
            assert_eq!(
                parts.iter().map(|part| part.len()).collect::<Vec<_>>(),
                expected
            );
            assert_eq!(parts.concat(), messages);
        }
    }
}
