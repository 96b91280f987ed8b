//! An SQS event source: hands batches of a queue to a function and removes what is done, as
//! Lambda does for functions that report batch item failures.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fake_lambda::Function;
use pombal_store::Queue;
use pombal_store::queue::{Incoming, QueueOptions};
use serde_json::{Value, json};

use super::deployment::Deployed;

pub(crate) struct EventSource {
    pub(crate) queue: Arc<dyn Queue>,
    arn: String,
}

impl EventSource {
    pub(crate) async fn new(deployed: &Deployed, name: &str, options: &QueueOptions) -> Self {
        let suffix = if options.fifo { ".fifo" } else { "" };
        let prefix = deployed.queues.prefix();
        Self {
            queue: deployed.queues.queue(name, options).await.unwrap(),
            arn: format!("arn:aws:sqs:us-east-1:000000000000:{prefix}{name}{suffix}"),
        }
    }

    /// Waits for a batch, at least of so many messages.
    pub(crate) async fn batch(&self, at_least: usize) -> Vec<Incoming> {
        let mut batch = Vec::new();
        for _ in 0..20 {
            let more = self.queue.receive(10, Duration::from_secs(3)).await;
            batch.extend(more.unwrap());
            if batch.len() >= at_least {
                return batch;
            }
        }
        panic!("{} messages of {at_least} in a minute", batch.len());
    }

    /// Hands a batch to the function and removes what it does not report. Returns the indices
    /// of what it does.
    pub(crate) async fn hand_over(&self, function: &Function, batch: &[Incoming]) -> Vec<usize> {
        let answer = function.invoke(&self.event(batch)).await;
        let answer = answer.unwrap_or_else(|error| panic!("{error}\n{}", function.log()));
        let failures = answer["batchItemFailures"].as_array().unwrap();
        let failed: Vec<usize> = failures
            .iter()
            .map(|failure| failure["itemIdentifier"].as_str().unwrap().parse().unwrap())
            .collect();
        let done = batch.iter().enumerate();
        let done = done.filter(|(at, _)| !failed.contains(at));
        let receipts: Vec<_> = done.map(|(_, m)| m.receipt.clone()).collect();
        self.queue.ack(&receipts).await.unwrap();
        failed
    }

    /// The event of a batch. A message's id is its place in it.
    pub(crate) fn event(&self, batch: &[Incoming]) -> Value {
        let records = batch.iter().enumerate().map(|(at, message)| {
            let mut attributes = json!({
                "ApproximateReceiveCount": message.attempts.to_string(),
                "SentTimestamp": "1795262400000",
            });
            if let Some(group) = &message.group {
                attributes["MessageGroupId"] = group.as_str().into();
            }
            let (text, extra) = as_sqs_has_it(&message.body);
            json!({
                "messageId": at.to_string(),
                "receiptHandle": message.receipt.0,
                "body": text,
                "attributes": attributes,
                "messageAttributes": extra,
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": self.arn,
                "awsRegion": "us-east-1",
            })
        });
        json!({ "Records": records.collect::<Vec<_>>() })
    }
}

/// U+FFFF is no text for SQS: such a body lies there as an attribute.
fn as_sqs_has_it(body: &str) -> (&str, Value) {
    if !body.contains('\u{FFFF}') {
        return (body, json!({}));
    }
    let attribute = json!({
        "binaryValue": STANDARD.encode(body),
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": "Binary",
    });
    ("-", json!({ "body": attribute }))
}
