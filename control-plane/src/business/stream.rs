//! The events of instances that no connector looks after: numbered in the registry, then sent.

use std::collections::HashSet;
use std::sync::Arc;

use pombal_domain::time::UnixMs;
use pombal_domain::{Event, EventId, EventName, Instance, InstanceId, Seq};
use pombal_store::queue::{self, MAX_BATCH, Outgoing};
use pombal_store::registry::{MAX_EVENT_BYTES, MAX_EVENTS};
use pombal_store::{Queue, Registry};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::BusinessError;

/// How many instances are told apart when appends wait for one another.
const TURNS: usize = 64;
/// Pending events that are read at once.
const PAGE: usize = 50;
/// What is around an event's `data` takes less.
const ENVELOPE_BYTES: usize = 4 * 1024;

/// Something that happened, not yet an event: it has no place in the stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fact {
    /// The event's id, derived from the fact alone.
    pub(super) id: EventId,
    /// What kind it is.
    pub(super) event: EventName,
    /// The contract's `data`.
    pub(super) data: Value,
    /// An address that alone gets it.
    pub(super) only_to: Option<String>,
}

/// Numbers facts and sends them.
pub(super) struct Stream {
    registry: Registry,
    queue: Arc<dyn Queue>,
    /// Appends to one instance wait here for one another. Other processes don't: they collide,
    /// and the registry decides.
    turns: [Mutex<()>; TURNS],
}

impl Stream {
    pub(super) fn new(registry: Registry, queue: Arc<dyn Queue>) -> Self {
        Self {
            registry,
            queue,
            turns: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// Publishes facts of an instance in order. When it returns `Ok`, they are in the events
    /// queue, and so is everything before them. Those that were published before are not
    /// published again.
    pub(super) async fn publish(
        &self,
        row: &Instance,
        facts: Vec<Fact>,
    ) -> Result<(), BusinessError> {
        let _turn = self.turn(row.id).lock().await;
        let now = UnixMs::now();
        let mut ids = HashSet::new();
        let events: Vec<Event> = facts
            .into_iter()
            .filter(|fact| ids.insert(fact.id))
            .map(|fact| event(row, fact, now))
            .collect();
        for chunk in events.chunks(MAX_EVENTS) {
            self.registry.append_events(row.id, chunk).await?;
        }
        self.drain(row.id).await
    }

    /// Whether a fact was published, or is about to be.
    pub(super) async fn knows(&self, row: &Instance, id: EventId) -> Result<bool, BusinessError> {
        Ok(self.registry.knows_event(row.id, id).await?)
    }

    /// Sends everything that is pending, in order. Who else does so at the same time sends the
    /// same from the same beginning, and the queue drops what it has had.
    async fn drain(&self, instance: InstanceId) -> Result<(), BusinessError> {
        loop {
            let pending = self.registry.pending_events(instance, PAGE).await?;
            for batch in pending.events.chunks(MAX_BATCH) {
                self.send(batch).await?;
                for event in batch {
                    self.registry.event_sent(instance, event.seq).await?;
                }
            }
            if pending.is_all {
                return Ok(());
            }
        }
    }

    async fn send(&self, events: &[Event]) -> Result<(), BusinessError> {
        let messages = events
            .iter()
            .map(Outgoing::event)
            .collect::<Result<Vec<_>, _>>()
            .map_err(BusinessError::Encode)?;
        match self.queue.send(&messages).await {
            Err(queue::Error::Invalid(_)) => {
                // One of them is at fault: the others must not suffer.
                for message in &messages {
                    self.send_one(message).await?;
                }
                Ok(())
            }
            sent => Ok(sent?),
        }
    }

    async fn send_one(&self, message: &Outgoing) -> Result<(), BusinessError> {
        match self.queue.send(std::slice::from_ref(message)).await {
            Err(queue::Error::Invalid(why)) => {
                // It would be refused forever, and everything behind it would wait.
                tracing::error!(event.id = message.dedup.as_deref(), why, "event given up");
                Ok(())
            }
            sent => Ok(sent?),
        }
    }

    fn turn(&self, instance: InstanceId) -> &Mutex<()> {
        let byte = usize::from(instance.as_uuid().as_bytes()[15]);
        &self.turns[byte % TURNS]
    }
}

fn event(row: &Instance, fact: Fact, at: UnixMs) -> Event {
    Event {
        id: fact.id,
        instance: row.id,
        name: row.name.clone(),
        seq: Seq::default(),
        // Nobody ever takes such an instance over, so it has one epoch: that of its birth.
        epoch: row.epoch,
        at,
        event: fact.event,
        data: fitting(fact.data, fact.id),
        sender: None,
        farewell: None,
        only_to: fact.only_to,
        projection: None,
    }
}

/// The data; if it is too large for a row, with its key and a note that its content is gone.
fn fitting(mut data: Value, id: EventId) -> Value {
    let bytes = data.to_string().len();
    if bytes > MAX_EVENT_BYTES - ENVELOPE_BYTES {
        tracing::warn!(event.id = %id, data_bytes = bytes, "event cut: too large");
        let key = data.get_mut("key").map(Value::take);
        return json!({ "key": key, "message": {}, "truncated": true });
    }
    data
}
