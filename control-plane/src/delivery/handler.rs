//! The delivery for who gets batches handed in, with a deadline: a function.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use pombal_domain::Chain;
use pombal_store::queue::large::{LargeBodies, Restored};
use pombal_store::queue::{Error as QueueError, Incoming, Receipt, by_group};
use pombal_store::{Egress, Keys, Queue, Registry};
use tokio::time::{Instant, timeout_at};

use super::deadline::Deadline;
use super::handle::DeliveryHandle;
use super::options::DeliveryOptions;
use super::pipeline::Pipeline;
use super::waiting::Waiting;
use super::work::Work;

/// Kept for giving messages back when everything else hangs.
const GIVE_BACK: Duration = Duration::from_secs(2);
/// Kept for the answer.
const ANSWER: Duration = Duration::from_millis(500);

/// The queues of a delivery that gets batches handed in.
#[derive(Clone)]
pub struct HandlerQueues {
    /// FIFO; group is the instance's id. Only to give messages back.
    pub events: Arc<LargeBodies>,
    /// Standard. Events wait here for their next attempt.
    pub retries: Arc<LargeBodies>,
    /// Standard. Events that were given up.
    pub dead: Arc<dyn Queue>,
}

/// Delivers the batches that it is given.
pub struct DeliveryHandler {
    queues: HandlerQueues,
    pipeline: Pipeline,
}

/// What is left of a group, and how long it should wait.
struct Left {
    messages: Vec<Incoming>,
    pause: Duration,
}

impl DeliveryHandler {
    /// Puts the handler together.
    #[must_use]
    pub fn new(
        registry: Registry,
        keys: Arc<dyn Keys>,
        egress: Egress,
        queues: HandlerQueues,
        options: DeliveryOptions,
    ) -> Self {
        let waiting = Waiting {
            retries: queues.retries.clone(),
            registry: registry.clone(),
            bodies: queues.retries.bodies().clone(),
        };
        let dead = Arc::clone(&queues.dead);
        let patience = options.shared_attempt_timeout;
        let pipeline = Pipeline::new(registry, keys, egress, waiting, dead, options, patience);
        Self { queues, pipeline }
    }

    /// Shows what the handler has done.
    #[must_use]
    pub fn handle(&self) -> DeliveryHandle {
        self.pipeline.handle.clone()
    }

    /// Works on a batch until `end`: groups side by side, each in order up to the first message
    /// that fails on our side, or for which there is no time. Returns the receipts of what is
    /// not done, which has been given back to its queue; the rest may be acknowledged.
    ///
    /// The events of an instance come one batch after the other. So when several instances have
    /// events in this one, it ends soon, however slow an endpoint is: first attempts are cut
    /// short at [`DeliveryOptions::shared_attempt_timeout`], which is a failure like others, and
    /// after as long none begins. Later attempts are in nobody's way and have their full time.
    pub async fn work_on(&self, work: Work, batch: Vec<Incoming>, end: Instant) -> Vec<Receipt> {
        let queue = match work {
            Work::Events => &self.queues.events,
            Work::Retries => &self.queues.retries,
        };
        let stop = end.checked_sub(GIVE_BACK).unwrap_or(end);
        let is_shared = batch.windows(2).any(|two| two[0].group != two[1].group);
        let restored = timeout_at(stop, queue.restore(batch.clone())).await;
        let Restored { whole, back } = restored.unwrap_or_else(|_| Restored {
            whole: Vec::new(),
            back: batch,
        });
        let mut deadline = Deadline::at(end);
        if work == Work::Events && is_shared {
            deadline = deadline.shared(self.pipeline.options.shared_attempt_timeout);
        }
        let groups = by_group(whole).into_iter();
        let left = groups.map(|group| self.in_order(work, group, deadline, stop));
        let left = join_all(left).await;
        let mut undone: Vec<Left> = left
            .into_iter()
            .filter(|l| !l.messages.is_empty())
            .collect();
        // Behind those of their group that have come whole.
        undone.push(Left {
            messages: back,
            pause: self.pipeline.options.error_backoff,
        });
        let last = end.checked_sub(ANSWER).unwrap_or(end);
        give_back(queue.as_ref(), &undone, last).await;
        let messages = undone.into_iter().flat_map(|left| left.messages);
        messages.map(|message| message.receipt).collect()
    }

    async fn in_order(
        &self,
        work: Work,
        mut group: Vec<Incoming>,
        deadline: Deadline,
        stop: Instant,
    ) -> Left {
        let options = &self.pipeline.options;
        let mut pause = Duration::ZERO;
        let mut done = 0;
        for (at, message) in group.iter().enumerate() {
            // The first is always tried, or nothing would ever fit into too short a time.
            let deadline = if at == 0 { deadline.first() } else { deadline };
            if at > 0 && !deadline.fits(options.attempt_timeout) {
                break;
            }
            let one = work.one(&self.pipeline, &message.body, deadline);
            match timeout_at(stop, one).await {
                Ok(Ok(())) => done += 1,
                Ok(Err(error)) => {
                    pause = self.pipeline.pause_after(&error, message);
                    break;
                }
                Err(_) => {
                    tracing::warn!("a message took all the time there was");
                    break;
                }
            }
        }
        let messages = group.split_off(done);
        Left { messages, pause }
    }
}

/// Gives messages back, the last one first: while the first of a group is held, a FIFO queue
/// keeps back the others. What can't be given back comes by itself, only later.
async fn give_back(queue: &dyn Queue, undone: &[Left], end: Instant) {
    for left in undone.iter().rev() {
        for message in left.messages.iter().rev() {
            match timeout_at(end, queue.release(&message.receipt, left.pause)).await {
                Ok(Ok(()) | Err(QueueError::ReceiptExpired)) => {}
                Ok(Err(error)) => tracing::warn!(error = %Chain(&error), "message not released"),
                Err(_) => return,
            }
        }
    }
}
