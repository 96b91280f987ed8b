//! The suite for [`Queue`]: the semantics of SQS, as this project relies on them.
//!
//! Times are short, and nothing is asserted about how fast anything is.

mod fifo;
mod limits;
mod load;
mod standard;
mod visibility;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::queue::{Incoming, Outgoing, Queue, QueueOptions, Receipt};

/// Makes queues.
#[async_trait]
pub trait Factory: Sync {
    /// Something that keeps queues alive.
    type Place: Place;

    /// A place without queues.
    async fn make(&self) -> Self::Place;

    /// The shortest visibility timeout and delay that the adapter can tell from nothing: one
    /// second on SQS.
    fn tick(&self) -> Duration;

    /// The largest body in bytes.
    fn max_body(&self) -> usize {
        crate::queue::MAX_BODY_BYTES
    }
}

/// Where queues are.
#[async_trait]
pub trait Place: Send + Sync {
    /// The queue called `name`, made if it is new.
    async fn queue(&self, name: &str, options: QueueOptions) -> Arc<dyn Queue>;

    /// The bodies in the dead-letter queue of the queue called `name`, oldest first, with the
    /// number of times each was received.
    async fn dead_letters(&self, name: &str) -> Vec<(String, u32)>;
}

super::suite! {
    Factory, super::tests::Embedded;
    standard: what_is_sent_is_received_once queues_are_apart a_delayed_message_stays_hidden
        a_receive_waits_for_a_message a_receive_waits_no_longer_than_asked
        a_dropped_receive_takes_nothing_with_it bodies_come_back_as_they_were
        a_full_batch_of_large_bodies_arrives;
    fifo: a_group_comes_in_order a_group_in_flight_waits_and_others_do_not
        a_batch_holds_several_of_one_group a_group_goes_on_after_an_acknowledgement
        a_released_message_comes_before_its_successors a_duplicate_is_dropped
        a_group_that_is_free_again_wakes_a_receiver;
    visibility: a_message_comes_back_after_its_timeout an_expired_receipt_does_nothing
        an_extended_message_stays_hidden a_released_message_comes_back_at_once
        a_released_message_comes_back_after_its_delay attempts_are_counted
        a_message_goes_to_the_dead_letter_queue a_dead_letter_does_not_block_its_group;
    limits: what_sqs_refuses_is_refused;
    load: nothing_is_lost_or_reordered_under_crashes_and_releases;
}

/// Long enough for anything that must happen.
const PATIENCE: Duration = Duration::from_secs(30);
/// A visibility timeout that never ends during a case.
const LONG: Duration = Duration::from_secs(600);

fn standard_options(visibility: Duration) -> QueueOptions {
    QueueOptions {
        fifo: false,
        visibility,
        max_receives: None,
    }
}

fn fifo_options(visibility: Duration) -> QueueOptions {
    QueueOptions {
        fifo: true,
        visibility,
        max_receives: None,
    }
}

fn plain(body: &str) -> Outgoing {
    Outgoing {
        body: body.to_owned(),
        group: None,
        dedup: None,
        delay: Duration::ZERO,
    }
}

/// A message of a group. Its deduplication id is group and body.
fn grouped(group: &str, body: &str) -> Outgoing {
    Outgoing {
        body: body.to_owned(),
        group: Some(group.to_owned()),
        dedup: Some(format!("{group}:{body}")),
        delay: Duration::ZERO,
    }
}

/// Receives until there are `count` messages, without acknowledging any.
async fn receive_exactly(queue: &dyn Queue, count: usize) -> Vec<Incoming> {
    let end = Instant::now() + PATIENCE;
    let mut all = Vec::new();
    while all.len() < count {
        assert!(
            Instant::now() < end,
            "only {} of {count} messages came",
            all.len()
        );
        all.extend(
            queue
                .receive(count - all.len(), Duration::from_secs(1))
                .await
                .unwrap(),
        );
    }
    all
}

async fn receive_one(queue: &dyn Queue) -> Incoming {
    receive_exactly(queue, 1).await.remove(0)
}

async fn assert_empty(queue: &dyn Queue) {
    let got = queue.receive(10, Duration::from_millis(20)).await.unwrap();
    assert!(got.is_empty(), "unexpected: {got:?}");
}

fn bodies(messages: &[Incoming]) -> Vec<&str> {
    messages
        .iter()
        .map(|message| message.body.as_str())
        .collect()
}

fn receipts(messages: &[Incoming]) -> Vec<Receipt> {
    messages
        .iter()
        .map(|message| message.receipt.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::sqlite::QueueFile;

    pub(super) struct Embedded;

    pub(super) struct File {
        file: QueueFile,
        _dir: tempfile::TempDir,
    }

    #[async_trait]
    impl Factory for Embedded {
        type Place = File;

        async fn make(&self) -> File {
            let dir = tempfile::tempdir().unwrap();
            File {
                file: QueueFile::open(dir.path().join("queues.db")).unwrap(),
                _dir: dir,
            }
        }

        fn tick(&self) -> Duration {
            Duration::from_millis(150)
        }
    }

    #[async_trait]
    impl Place for File {
        async fn queue(&self, name: &str, options: QueueOptions) -> Arc<dyn Queue> {
            self.file.queue(name, options).unwrap()
        }

        async fn dead_letters(&self, name: &str) -> Vec<(String, u32)> {
            let dead = self.file.dead_letters(name).await.unwrap();
            dead.into_iter()
                .map(|letter| (letter.body, letter.attempts))
                .collect()
        }
    }
}
