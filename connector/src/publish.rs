//! Publishes the events of one instance: first durable in its journal, then in the queue.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pombal_domain::event::EventBody;
use pombal_domain::instance::Observed;
use pombal_domain::time::UnixMs;
use pombal_domain::{Chain, Epoch, Event, EventId, InstanceId, InstanceName, Projection, Seq};
use pombal_sessions::{Appended, JournalRow, Session};
use pombal_store::Queue;
use pombal_store::queue::{self, MAX_BATCH, Outgoing};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;

/// Facts taken together into one commit of the journal.
const MAX_FACTS: usize = 64;

/// Largest `data` of an event. With what the delivery wraps around it, it still fits into one
/// message of a queue (1 MiB).
const MAX_DATA_BYTES: usize = 700 * 1024;

/// Something that happened, not yet an event: it has no place in the stream.
#[derive(Debug, Clone)]
pub(crate) struct Fact {
    pub(crate) id: EventId,
    pub(crate) body: EventBody,
    pub(crate) sender: Option<String>,
    pub(crate) projection: Option<Observed>,
}

/// Events were not published.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Error {
    /// The journal failed: the shard must be opened again.
    #[error("the journal of an instance failed")]
    Journal(#[from] pombal_sessions::Error),
    /// A journaled event can't be read.
    #[error("a journaled event does not decode")]
    Decode(#[source] Arc<serde_json::Error>),
    /// The publisher stopped. What it had journaled is sent by its successor.
    #[error("the publisher has stopped")]
    Stopped,
}

/// Hands facts to a [`Publisher`]. A cheap clone.
#[derive(Clone)]
pub(crate) struct PublisherHandle {
    jobs: mpsc::Sender<Job>,
    /// The instance's own JID, once known.
    owner: Arc<Mutex<Option<String>>>,
    last_event_at: Arc<AtomicU64>,
}

struct Job {
    facts: Vec<Fact>,
    done: oneshot::Sender<Result<(), Error>>,
}

impl PublisherHandle {
    /// Publishes `facts` in order. When it returns `Ok` they are durable in the events queue.
    /// Facts published before are not published again.
    pub(crate) async fn publish(&self, facts: Vec<Fact>) -> Result<(), Error> {
        if facts.is_empty() {
            return Ok(());
        }
        self.had_event(UnixMs::now());
        let (done, outcome) = oneshot::channel();
        let job = Job { facts, done };
        self.jobs.send(job).await.map_err(|_| Error::Stopped)?;
        outcome.await.map_err(|_| Error::Stopped)?
    }

    /// Publishes events that change nothing on the instance's row, under its own JID of now.
    pub(crate) async fn tell(
        &self,
        told: impl IntoIterator<Item = (EventId, EventBody)>,
    ) -> Result<(), Error> {
        let sender = self.owner().clone();
        let facts = told.into_iter().map(|(id, body)| Fact {
            id,
            body,
            sender: sender.clone(),
            projection: None,
        });
        self.publish(facts.collect()).await
    }

    /// The instance had an event then.
    pub(crate) fn had_event(&self, at: UnixMs) {
        self.last_event_at.fetch_max(at.0, Ordering::Relaxed);
    }

    /// When the instance last had an event.
    pub(crate) fn last_event_at(&self) -> UnixMs {
        UnixMs(self.last_event_at.load(Ordering::Relaxed))
    }

    /// Makes the instance's own JID known, or unknown again.
    pub(crate) fn set_owner(&self, jid: Option<String>) {
        *self.owner() = jid;
    }

    /// Whether `jid` is the instance's own.
    pub(crate) fn is_own(&self, jid: &str) -> bool {
        self.owner().as_deref() == Some(jid)
    }

    fn owner(&self) -> MutexGuard<'_, Option<String>> {
        self.owner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose events these are.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) id: InstanceId,
    pub(crate) name: InstanceName,
    pub(crate) epoch: Epoch,
}

/// Numbers the events of one instance and sends them, one batch after the other.
pub(crate) struct Publisher {
    origin: Origin,
    session: Session,
    queue: Arc<dyn Queue>,
    stop: CancellationToken,
}

impl Publisher {
    /// Starts a publisher. It first sends what a predecessor journaled but may not have sent;
    /// what the handle is given waits behind that.
    pub(crate) fn start(
        origin: Origin,
        session: Session,
        queue: Arc<dyn Queue>,
        stop: CancellationToken,
    ) -> PublisherHandle {
        let publisher = Self {
            origin,
            session,
            queue,
            stop,
        };
        let (jobs, inbox) = mpsc::channel(MAX_FACTS);
        tokio::spawn(publisher.run(inbox));
        PublisherHandle {
            jobs,
            owner: Arc::default(),
            last_event_at: Arc::default(),
        }
    }

    async fn run(self, mut inbox: mpsc::Receiver<Job>) {
        if let Err(error) = self.replay().await {
            tracing::error!(instance.id = %self.origin.id, error = %Chain(&error), "journal not replayed");
            // Dropping the inbox tells every caller. The next start tries again.
            return;
        }
        loop {
            let first = tokio::select! {
                () = self.stop.cancelled() => return,
                job = inbox.recv() => match job {
                    Some(job) => job,
                    None => return,
                },
            };
            let mut jobs = vec![first];
            let mut facts = jobs[0].facts.len();
            while facts < MAX_FACTS {
                let Ok(job) = inbox.try_recv() else { break };
                facts += job.facts.len();
                jobs.push(job);
            }
            let batch = jobs
                .iter_mut()
                .flat_map(|job| std::mem::take(&mut job.facts))
                .collect();
            let result = self.publish(batch).await;
            for job in jobs {
                // The caller may have gone; its events are published all the same.
                let _ = job.done.send(result.clone());
            }
        }
    }

    async fn publish(&self, facts: Vec<Fact>) -> Result<(), Error> {
        let now = UnixMs::now();
        let mut events = Vec::with_capacity(facts.len());
        let mut rows = Vec::with_capacity(facts.len());
        for fact in facts {
            let (event, payload) = encoded(self.event(fact, now)).map_err(undecodable)?;
            rows.push(JournalRow::new(event.id, move |_| payload));
            events.push(event);
        }
        let appended = self.session.journal_append(rows).await?;
        let mut pending = Vec::with_capacity(events.len());
        for (event, appended) in events.into_iter().zip(appended) {
            match appended {
                Appended::New { seq } => pending.push(Event { seq, ..event }),
                Appended::Existing { sent: true, .. } => {}
                Appended::Existing { seq, payload, .. } => {
                    pending.push(self.revive(seq, payload.as_deref().unwrap_or_default())?);
                }
            }
        }
        self.send(pending).await
    }

    /// Sends the events that a crash may have kept from the queue. The queue drops those that
    /// it has had: their ids are the same.
    async fn replay(&self) -> Result<(), Error> {
        let unsent = self.session.journal_unsent().await?;
        let events = unsent
            .iter()
            .map(|(seq, _, payload)| self.revive(*seq, payload))
            .collect::<Result<Vec<_>, Error>>()?;
        if !events.is_empty() {
            tracing::info!(
                instance.id = %self.origin.id,
                events.count = events.len(),
                "sending journaled events again"
            );
        }
        self.send(events).await
    }

    /// A journaled event, under the epoch of now: consumers drop those of older owners. And
    /// under the name of now: an instance that came from another deployment may have a new one.
    fn revive(&self, seq: Seq, payload: &[u8]) -> Result<Event, Error> {
        let event: Event = serde_json::from_slice(payload).map_err(undecodable)?;
        Ok(Event {
            seq,
            epoch: self.origin.epoch,
            name: self.origin.name.clone(),
            ..event
        })
    }

    /// Sends until the queue has taken everything, or the publisher is stopped.
    async fn send(&self, events: Vec<Event>) -> Result<(), Error> {
        for batch in events.chunks(MAX_BATCH) {
            let messages = batch
                .iter()
                .map(Outgoing::event)
                .collect::<Result<Vec<_>, serde_json::Error>>()
                .map_err(undecodable)?;
            self.hand_over(&messages).await?;
            let ids: Vec<EventId> = batch.iter().map(|event| event.id).collect();
            self.session.journal_sent(&ids).await?;
        }
        Ok(())
    }

    /// Sends a batch until the queue has taken it, or the publisher is stopped.
    async fn hand_over(&self, messages: &[Outgoing]) -> Result<(), Error> {
        let mut backoff = Backoff::default();
        loop {
            match self.queue.send(messages).await {
                Ok(()) => return Ok(()),
                Err(queue::Error::Invalid(why)) if messages.len() == 1 => {
                    // It would be refused forever, and everything behind it would wait.
                    let event = messages[0].dedup.as_deref();
                    tracing::error!(
                        instance.id = %self.origin.id, event.id = event, why, "event given up"
                    );
                    return Ok(());
                }
                Err(queue::Error::Invalid(_)) => {
                    // One of them is at fault: the others must not suffer.
                    for message in messages {
                        Box::pin(self.hand_over(std::slice::from_ref(message))).await?;
                    }
                    return Ok(());
                }
                Err(error) => {
                    tracing::warn!(
                        instance.id = %self.origin.id,
                        error = %Chain(&error),
                        "events queue refused a batch; trying again"
                    );
                }
            }
            tokio::select! {
                () = self.stop.cancelled() => return Err(Error::Stopped),
                () = tokio::time::sleep(backoff.next()) => {}
            }
        }
    }

    fn event(&self, fact: Fact, at: UnixMs) -> Event {
        Event {
            id: fact.id,
            instance: self.origin.id,
            name: self.origin.name.clone(),
            seq: Seq::default(),
            epoch: self.origin.epoch,
            at,
            event: fact.body.name(),
            data: fact.body.data(),
            sender: fact.sender,
            farewell: None,
            only_to: None,
            projection: fact
                .projection
                .map(|observed| Projection(Box::new(observed))),
        }
    }
}

/// The event and its bytes. One that is too large for the queues keeps its key and says that
/// its content is gone.
fn encoded(mut event: Event) -> Result<(Event, Vec<u8>), serde_json::Error> {
    let payload = serde_json::to_vec(&event)?;
    // What is around the data is small: only then is the data itself worth measuring.
    if payload.len() <= MAX_DATA_BYTES {
        return Ok((event, payload));
    }
    let bytes = serde_json::to_vec(&event.data)?.len();
    match event.data.as_object_mut() {
        Some(data) if bytes > MAX_DATA_BYTES => {
            data.insert("message".to_owned(), json!({}));
            data.insert("truncated".to_owned(), json!(true));
            tracing::warn!(event.id = %event.id, data_bytes = bytes, "event cut: too large");
            let payload = serde_json::to_vec(&event)?;
            Ok((event, payload))
        }
        _ => Ok((event, payload)),
    }
}

fn undecodable(error: serde_json::Error) -> Error {
    Error::Decode(Arc::new(error))
}

#[cfg(test)]
mod tests;
