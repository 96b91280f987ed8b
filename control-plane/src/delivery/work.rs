//! What is done with a message, whoever has received it.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use pombal_domain::Chain;
use pombal_store::queue::Incoming;

use super::deadline::Deadline;
use super::error::Error;
use super::pipeline::Pipeline;

/// How often the wait after a failure doubles.
const MOST_DOUBLINGS: u32 = 5;

/// What is done with the messages of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// First attempts, in order per group.
    Events,
    /// Later attempts, in any order.
    Retries,
}

impl Work {
    /// Works on one message. When this returns, the message may be acknowledged. A panic is an
    /// error like others: a function would fail for a whole batch by it, whosever events are
    /// in there.
    pub(super) async fn one(
        self,
        pipeline: &Pipeline,
        body: &str,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let work = async {
            match self {
                Self::Events => pipeline.first(body, deadline).await,
                Self::Retries => pipeline.again(body, deadline).await,
            }
        };
        // What is shared between messages is caches behind locks, changed in one step each.
        let caught = AssertUnwindSafe(work).catch_unwind().await;
        caught.unwrap_or(Err(Error::Panicked))
    }
}

impl Pipeline {
    /// Says that a message failed on our side, and how long it and the rest of its group should
    /// wait.
    pub(super) fn pause_after(&self, error: &Error, message: &Incoming) -> Duration {
        if matches!(error, Error::NoTime) {
            return Duration::ZERO;
        }
        tracing::error!(error = %Chain(error), "message not processed");
        let doublings = message.attempts.saturating_sub(1).min(MOST_DOUBLINGS);
        self.options.error_backoff * 2_u32.pow(doublings)
    }
}
