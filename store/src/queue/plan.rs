//! The queues of a deployment: what they are called, and how they behave. Every role, on one
//! machine and on AWS, takes them from here.

use std::time::Duration;

use pombal_domain::ShardId;

use super::QueueOptions;

/// FIFO; group = instance. From connectors to the delivery.
pub const EVENTS: &str = "events";
/// Standard. Events that wait for their next attempt.
pub const RETRIES: &str = "deliveries";
/// Standard. Events that were given up.
pub const DEAD: &str = "deliveries-dead";

/// A command that was received so often goes to the dead-letter queue. A process that is
/// killed counts as a receive, so this is more than the failures that a command may have.
const MAX_COMMAND_RECEIVES: u32 = 25;

/// The longest that a batch takes on AWS: the time-out of the function that delivers.
pub const DELIVERY_TIMEOUT: Duration = Duration::from_secs(60);
/// AWS wants the queue of a function to hide messages for six time-outs.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>
const TIMEOUTS_HIDDEN: u32 = 6;
/// The most that SQS takes. What fails on our side is given back and comes again, for hours if
/// need be; then it is not in the way any more, and whoever looks after it can put it back.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>
const MAX_FUNCTION_RECEIVES: u32 = 1000;

/// The name of a shard's command queue: FIFO; group = instance. From the API to the owner.
#[must_use]
pub fn commands(shard: ShardId) -> String {
    format!("commands-{shard}")
}

/// How command queues behave.
#[must_use]
pub fn commands_options() -> QueueOptions {
    QueueOptions {
        fifo: true,
        visibility: Duration::from_secs(30),
        max_receives: Some(MAX_COMMAND_RECEIVES),
    }
}

/// How [`EVENTS`] behaves. An event that fails on our side is tried until it succeeds.
#[must_use]
pub fn events_options() -> QueueOptions {
    QueueOptions {
        fifo: true,
        visibility: Duration::from_secs(60),
        max_receives: None,
    }
}

/// How [`RETRIES`] and [`DEAD`] behave.
#[must_use]
pub fn letters_options() -> QueueOptions {
    QueueOptions {
        fifo: false,
        visibility: Duration::from_secs(60),
        max_receives: None,
    }
}

/// How a queue behaves on AWS, where a function takes from it.
#[must_use]
pub fn for_function(options: QueueOptions) -> QueueOptions {
    QueueOptions {
        visibility: DELIVERY_TIMEOUT * TIMEOUTS_HIDDEN,
        max_receives: Some(MAX_FUNCTION_RECEIVES),
        ..options
    }
}
