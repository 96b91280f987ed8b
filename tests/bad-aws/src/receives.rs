//! What SQS may do to those who receive.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use http::request::Parts;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::call::Call;
use crate::upstream::Upstream;

/// How long a poll takes that finds nothing, so that nobody asks in a tight loop.
pub(crate) const EMPTY_POLL: Duration = Duration::from_millis(100);

/// Messages that come once more, and answers that did not arrive.
#[derive(Default)]
pub(crate) struct Receives {
    /// By queue.
    again: HashMap<String, VecDeque<Value>>,
    /// By `ReceiveRequestAttemptId`: SQS answers a FIFO receive that is tried again as it did
    /// before.
    /// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-receiverequestattemptid-request-parameter.html>
    lost: HashMap<String, Answer>,
}

impl Receives {
    /// The answer to this very receive, if it did not arrive.
    pub(crate) fn lost(&self, call: &Call) -> Option<Answer> {
        self.lost.get(attempt(call)?).cloned()
    }

    /// Keeps an answer that does not arrive.
    pub(crate) fn note_lost(&mut self, call: &Call, answer: &Answer) {
        if let Some(attempt) = attempt(call) {
            self.lost.insert(attempt.to_owned(), answer.clone());
        }
    }

    /// Has the first message of an answer come once more. False: there is none.
    pub(crate) fn repeat(&mut self, call: &Call, answer: &Answer) -> bool {
        let Some(message) = answer.json()["Messages"].get(0).cloned() else {
            return false;
        };
        let queue = self.again.entry(call.resource.clone()).or_default();
        queue.push_back(message);
        true
    }

    /// An answer with the next message that comes once more.
    pub(crate) fn again(&mut self, call: &Call) -> Option<Answer> {
        let message = self.again.get_mut(&call.resource)?.pop_front()?;
        Some(messages(&json!([message])))
    }
}

/// A receive that finds nothing.
pub(crate) fn nothing() -> Answer {
    messages(&json!([]))
}

/// Takes the messages of an answer out of the receiver's hands: they become visible, somebody
/// receives them, and they become visible once more. False: there is none.
pub(crate) async fn expire(
    upstream: &Upstream,
    parts: &Parts,
    call: &Call,
    answer: &Answer,
) -> reqwest::Result<bool> {
    let queue = &call.body["QueueUrl"];
    let received = answer.json();
    if !show(upstream, parts, queue, &received).await? {
        return Ok(false);
    }
    let receive = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0 });
    let other = upstream
        .ask(parts, "AmazonSQS.ReceiveMessage", &receive)
        .await?;
    show(upstream, parts, queue, &other.json()).await?;
    Ok(true)
}

/// Makes received messages visible again, the last first: the order of a group stays.
async fn show(
    upstream: &Upstream,
    parts: &Parts,
    queue: &Value,
    received: &Value,
) -> reqwest::Result<bool> {
    let Some(messages) = received["Messages"]
        .as_array()
        .filter(|all| !all.is_empty())
    else {
        return Ok(false);
    };
    let entries: Vec<Value> = messages
        .iter()
        .enumerate()
        .rev()
        .map(|(n, message)| {
            json!({
                "Id": n.to_string(),
                "ReceiptHandle": message["ReceiptHandle"],
                "VisibilityTimeout": 0,
            })
        })
        .collect();
    let body = json!({ "QueueUrl": queue, "Entries": entries });
    let target = "AmazonSQS.ChangeMessageVisibilityBatch";
    upstream.ask(parts, target, &body).await?;
    Ok(true)
}

fn messages(messages: &Value) -> Answer {
    let body = json!({ "Messages": messages });
    Answer::new(200, "application/x-amz-json-1.0", body.to_string())
}

fn attempt(call: &Call) -> Option<&str> {
    call.body["ReceiveRequestAttemptId"].as_str()
}
