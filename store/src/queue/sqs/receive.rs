//! Receiving.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::config;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use tokio::time::Instant;

use super::{SqsQueue, body, seconds};
use crate::queue::{Error, Incoming, MAX_BATCH, Receipt};

/// The longest poll that SQS knows.
const MAX_POLL_SECONDS: i32 = 20;
/// What is left of a wait after an empty poll is not worth another request below this: polls
/// are billed, last whole seconds, and may end a little early by our clock.
const LEAST_REST: Duration = Duration::from_secs(1);
/// Longest wait for the answer to one try: SQS may keep silent for as long as a poll lasts.
const TRY_TIMEOUT: Duration = Duration::from_secs(25);
/// The same for all tries. Silence is no reason for a second long wait: whoever polls has to
/// learn that nothing comes.
const POLL_TIMEOUT: Duration = Duration::from_secs(30);

impl SqsQueue {
    /// Polls until there is a message, or the time is over. At least one request.
    pub(super) async fn poll(&self, max: usize, wait: Duration) -> Result<Vec<Incoming>, Error> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let end = Instant::now() + wait;
        let mut left = wait;
        loop {
            let found = self.receive_once(max, poll_seconds(left)).await?;
            left = end.saturating_duration_since(Instant::now());
            if !found.is_empty() || !worth_a_poll(left) {
                return Ok(found);
            }
        }
    }

    async fn receive_once(&self, max: usize, poll_seconds: i32) -> Result<Vec<Incoming>, Error> {
        // If the answer is lost, the SDK's next try gets the same messages.
        let attempt = self.fifo.then(|| uuid::Uuid::new_v4().to_string());
        let received = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(max.min(MAX_BATCH)).unwrap_or(1))
            .wait_time_seconds(poll_seconds)
            .visibility_timeout(self.visibility)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::MessageGroupId)
            .message_attribute_names(body::ATTRIBUTE)
            .set_receive_request_attempt_id(attempt)
            .customize()
            .config_override(config::Config::builder().timeout_config(timeouts()))
            .send()
            .await
            .map_err(Error::storage)?;
        let messages = received.messages.unwrap_or_default();
        Ok(messages.into_iter().filter_map(incoming).collect())
    }
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(TRY_TIMEOUT)
        .operation_timeout(POLL_TIMEOUT)
        .build()
}

fn poll_seconds(left: Duration) -> i32 {
    seconds(left).min(MAX_POLL_SECONDS)
}

fn worth_a_poll(left: Duration) -> bool {
    left >= LEAST_REST
}

/// A message that is not ours, or is damaged, stays where it is: in the end it becomes a dead
/// letter.
fn incoming(message: Message) -> Option<Incoming> {
    let id = message.message_id.clone().unwrap_or_default();
    let read = read(message);
    if read.is_none() {
        tracing::error!(message.id = id, "message on SQS can't be read");
    }
    read
}

fn read(message: Message) -> Option<Incoming> {
    let mut system = message.attributes.unwrap_or_default();
    Some(Incoming {
        body: body::decode(message.body?, message.message_attributes)?,
        group: system.remove(&MessageSystemAttributeName::MessageGroupId),
        attempts: system
            .remove(&MessageSystemAttributeName::ApproximateReceiveCount)?
            .parse()
            .ok()?,
        receipt: Receipt(message.receipt_handle?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wait_of_twenty_seconds_is_one_poll() {
        assert_eq!(poll_seconds(Duration::from_secs(20)), 20);
        // It came back early by our clock.
        assert!(!worth_a_poll(Duration::from_millis(40)));
        assert!(!worth_a_poll(Duration::ZERO));
        // A longer wait goes on.
        assert!(worth_a_poll(Duration::from_secs(10)));
        assert_eq!(poll_seconds(Duration::from_secs(45)), 20);
        assert_eq!(poll_seconds(Duration::from_millis(300)), 1);
    }
}
