//! Where letters wait for their next attempt: in a queue, or in the registry if that is longer
//! than a queue delays. From there the janitor brings them to the queue.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{join_all, try_join_all};
use pombal_domain::Chain;
use pombal_domain::time::UnixMs;
use pombal_store::queue::large::Bodies;
use pombal_store::queue::{self, MAX_BATCH, MAX_DELAY, Outgoing};
use pombal_store::registry::{DUE_PARTITIONS, Due};
use pombal_store::{Queue, Registry};
use tokio::time::Instant;

use super::error::Error;
use super::letters::{RetryLetter, outgoing};

/// Longer letters go to the bucket: writing and removing a row costs a unit per KB each, as
/// much as a PUT at eight. <https://aws.amazon.com/dynamodb/pricing/on-demand/>
const INLINE_BYTES: usize = 8 * 1024;
/// What is due before the janitor comes again is moved ahead of its time, with a delay.
const AHEAD: Duration = Duration::from_secs(60);
/// A letter whose body can't be fetched is tried again after this.
const FETCH_AGAIN: Duration = Duration::from_secs(900);

/// Where letters wait. A cheap clone.
#[derive(Clone)]
pub(crate) struct Waiting {
    pub(crate) retries: Arc<dyn Queue>,
    pub(crate) registry: Registry,
    pub(crate) bodies: Bodies,
}

/// What became of a partition.
struct Emptied {
    moved: usize,
    /// Nothing is left.
    whole: bool,
}

impl Waiting {
    /// Makes the letter wait until it is due.
    pub(super) async fn post(&self, letter: &RetryLetter) -> Result<(), Error> {
        let body = serde_json::to_string(letter).map_err(Error::Encode)?;
        let wait = letter.early_by();
        if wait <= MAX_DELAY {
            let message = outgoing(body, wait);
            return self.retries.send(&[message]).await.map_err(Error::Queue);
        }
        let carried = self.bodies.shrink(&body, INLINE_BYTES).await;
        self.registry
            .put_due(&letter.id(), letter.due_at, &carried.map_err(Error::Queue)?)
            .await
            .map_err(Error::Registry)
    }

    /// Moves what is due into the queue, until `end` at most; how many letters that were. What
    /// is moved when the process dies may be moved again.
    pub(crate) async fn move_due(&self, end: Instant) -> Result<usize, Error> {
        let now = UnixMs::now();
        let minutes = self.registry.due_minutes(now.plus(AHEAD)).await;
        let (mut moved, mut emptied) = (0, None);
        for minute in minutes.map_err(Error::Registry)? {
            let partitions = 0..DUE_PARTITIONS;
            let emptying = partitions.map(|partition| self.empty(minute, partition, end));
            // Each to its end: one that is dropped between queue and row moves letters twice.
            let results = join_all(emptying).await;
            let results: Vec<Emptied> = results.into_iter().collect::<Result<_, _>>()?;
            moved += results.iter().map(|result| result.moved).sum::<usize>();
            if results.iter().any(|result| !result.whole) {
                tracing::warn!("not everything that is due was moved in time");
                break;
            }
            emptied = Some(minute);
        }
        if let Some(minute) = emptied {
            let left = self.registry.leave_due(minute, now).await;
            left.map_err(Error::Registry)?;
        }
        Ok(moved)
    }

    /// Moves everything in a partition of a minute, until `end` at most.
    async fn empty(&self, minute: u64, partition: u32, end: Instant) -> Result<Emptied, Error> {
        let mut moved = 0;
        loop {
            if Instant::now() >= end {
                return Ok(Emptied {
                    moved,
                    whole: false,
                });
            }
            let page = self.registry.due_in(minute, partition).await;
            let page = page.map_err(Error::Registry)?;
            if page.is_empty() {
                return Ok(Emptied { moved, whole: true });
            }
            for part in page.chunks(MAX_BATCH) {
                self.hand_over(part).await?;
            }
            moved += page.len();
        }
    }

    /// Moves a batch: first into the queue, then out of the registry.
    async fn hand_over(&self, part: &[Due]) -> Result<(), Error> {
        let fetched = join_all(part.iter().map(|due| self.message(due))).await;
        let (mut messages, mut spent) = (Vec::new(), Vec::new());
        for (due, message) in part.iter().zip(fetched) {
            match message {
                Ok(message) => {
                    messages.push(message);
                    spent.push(due);
                }
                Err(error) => self.put_off(due, &error).await?,
            }
        }
        self.retries.send(&messages).await.map_err(Error::Queue)?;
        let removed = part.iter().map(|due| self.registry.remove_due(due));
        try_join_all(removed).await.map_err(Error::Registry)?;
        // Last: a row is never without its body.
        let removed = spent.iter().map(|due| self.bodies.remove(&due.body));
        for result in join_all(removed).await {
            if let Err(error) = result {
                tracing::warn!(error = %Chain(&error), "body of a moved letter not removed");
            }
        }
        Ok(())
    }

    async fn message(&self, due: &Due) -> Result<Outgoing, queue::Error> {
        let body = self.bodies.restore(&due.body).await?;
        let delay = due.due_at.until(UnixMs::now()).min(MAX_DELAY);
        Ok(outgoing(body, delay))
    }

    /// Leaves a letter whose body is missing for later: what is behind it must go on.
    async fn put_off(&self, due: &Due, error: &queue::Error) -> Result<(), Error> {
        let is_there = self.registry.is_due(due).await;
        if !is_there.map_err(Error::Registry)? {
            // Somebody else has moved it meanwhile.
            return Ok(());
        }
        tracing::error!(
            letter.id = due.id,
            error = %Chain(error),
            alarm = "letter.lost",
            "body of a letter not fetched"
        );
        let later = UnixMs::now().plus(FETCH_AGAIN);
        self.registry
            .put_due(&due.id, later, &due.body)
            .await
            .map_err(Error::Registry)
    }
}
