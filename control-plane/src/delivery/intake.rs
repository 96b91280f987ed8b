//! The loop that takes messages from one queue and works on many groups at once.

use std::sync::Arc;
use std::time::Duration;

use pombal_store::Queue;
use pombal_store::queue::{Held, Incoming, MAX_BATCH, by_group};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::deadline::Deadline;
use super::error::Error;
use super::pipeline::Pipeline;
use super::work::Work;
use pombal_domain::Chain;

/// How long giving back everything may take when the drain is over.
const ABANDON: Duration = Duration::from_secs(5);
/// Works off one queue.
#[derive(Clone)]
pub(super) struct Intake {
    pub(super) queue: Arc<dyn Queue>,
    pub(super) work: Work,
    pub(super) pipeline: Arc<Pipeline>,
    /// Stop receiving.
    pub(super) shutdown: CancellationToken,
    /// Stop working.
    pub(super) abandon: CancellationToken,
}

impl Intake {
    /// Runs until the shutdown, then until work in flight is done or given back.
    pub(super) async fn run(self) {
        let options = &self.pipeline.options;
        let slots = Arc::new(Semaphore::new(options.max_in_flight.max(MAX_BATCH)));
        let mut jobs = JoinSet::new();
        loop {
            while let Some(done) = jobs.try_join_next() {
                note(done);
            }
            // A batch may hold as many groups as messages; none may wait for a slot while its
            // visibility runs out.
            let batch_slots = u32::try_from(MAX_BATCH).unwrap_or(u32::MAX);
            let mut permits = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => break,
                permits = Arc::clone(&slots).acquire_many_owned(batch_slots) => match permits {
                    Ok(permits) => permits,
                    Err(_) => break,
                },
            };
            let messages = match self.queue.receive(MAX_BATCH, options.receive_wait).await {
                Ok(messages) => messages,
                Err(error) => {
                    tracing::error!(error = %Chain(&error), "messages not received");
                    tokio::select! {
                        () = self.shutdown.cancelled() => break,
                        () = sleep(options.error_backoff) => continue,
                    }
                }
            };
            for batch in by_group(messages) {
                let permit = permits.split(1);
                let intake = self.clone();
                jobs.spawn(async move {
                    intake.job(batch).await;
                    drop(permit);
                });
            }
        }
        self.drain(jobs).await;
    }

    async fn drain(&self, mut jobs: JoinSet<()>) {
        let drain = self.pipeline.options.drain;
        if timeout(drain, join_all(&mut jobs)).await.is_err() {
            self.abandon.cancel();
            if timeout(ABANDON, join_all(&mut jobs)).await.is_err() {
                tracing::warn!(jobs = jobs.len(), "messages not given back at shutdown");
            }
        }
    }

    /// Works off one batch of one group, and gives back what is left of it.
    async fn job(&self, batch: Vec<Incoming>) {
        let receipts = batch
            .iter()
            .map(|message| message.receipt.clone())
            .collect();
        let visibility = self.pipeline.options.visibility;
        let held = Held::new(Arc::clone(&self.queue), receipts, visibility);
        let delay = tokio::select! {
            delay = self.in_order(&held, &batch) => delay,
            () = held.keep() => Duration::ZERO,
            () = self.abandon.cancelled() => Duration::ZERO,
        };
        held.release(delay).await;
    }

    /// One message after the other until the first that fails on our side. Returns how long
    /// the rest should wait.
    async fn in_order(&self, held: &Held, batch: &[Incoming]) -> Duration {
        for message in batch {
            if self.shutdown.is_cancelled() {
                break;
            }
            if let Err(error) = self.one(held, message).await {
                return self.pipeline.pause_after(&error, message);
            }
        }
        Duration::ZERO
    }

    async fn one(&self, held: &Held, message: &Incoming) -> Result<(), Error> {
        let work = self.work;
        work.one(&self.pipeline, &message.body, Deadline::default())
            .await?;
        held.settle(&message.receipt).await.map_err(Error::Queue)
    }
}

async fn join_all(jobs: &mut JoinSet<()>) {
    while let Some(done) = jobs.join_next().await {
        note(done);
    }
}

fn note(done: Result<(), tokio::task::JoinError>) {
    if let Err(error) = done {
        tracing::error!(error = %error, "delivery job failed");
    }
}
