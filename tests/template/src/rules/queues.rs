//! Queues are encrypted, take large messages, and have somewhere to put what nobody can take.

use serde_json::{Value, json};

use crate::{Templates, text};

/// Where dead letters end: people take from there.
const LAST: &str = "${Prefix}deliveries-dead";

pub(super) fn check(templates: &Templates) -> Vec<String> {
    let queues: Vec<_> = templates.of_type("AWS::SQS::Queue").collect();
    let target = |value: &Value| value["deadLetterTargetArn"]["Fn::GetAtt"][0].clone();
    let mut wrong = Vec::new();
    for queue in &queues {
        let redrive = queue.property("RedrivePolicy");
        let is_dead = queues.iter().any(|other| {
            other.file == queue.file && target(other.property("RedrivePolicy")) == json!(queue.name)
        });
        let is_last = text(queue.property("QueueName")) == LAST;
        if redrive.is_null() && !is_dead && !is_last {
            wrong.push(queue.wrong("has no dead-letter queue"));
        }
        if *queue.property("SqsManagedSseEnabled") != json!(true) {
            wrong.push(queue.wrong("not encrypted"));
        }
        // The default is 256 KiB in places.
        if *queue.property("MaximumMessageSize") != json!(1024 * 1024) {
            wrong.push(queue.wrong("does not say that it takes 1 MiB"));
        }
    }
    wrong
}
