//! Events about instances as such: made, and gone. Who does it tells them, for no connector may be
//! there: what is said is done by then.
//!
//! They have their place in the instance's stream: `instance.create` comes before all that a
//! connector tells, which begins at 1, and what is told of a deletion comes after it.

use std::fmt;
use std::sync::Arc;

use pombal_domain::event::Farewell;
use pombal_domain::time::UnixMs;
use pombal_domain::{Chain, Event, EventBody, EventId, Instance, Seq};
use pombal_store::Queue;
use pombal_store::queue::{Error, Outgoing};

/// Where the API tells of instances.
#[derive(Clone)]
pub struct EventsQueue(pub Arc<dyn Queue>);

impl fmt::Debug for EventsQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventsQueue(..)")
    }
}

/// Tells `instance.create`. A failure is only logged: the instance is there.
pub(super) async fn tell_created(events: Option<&EventsQueue>, row: &Instance) {
    let body = EventBody::InstanceCreate(row.into());
    let event = event(row, Seq(0), row.created_at, &body);
    send(events, row, vec![event]).await;
}

/// Tells what follows from a deletion that is done: `logout.instance` if it was paired,
/// `instance.delete`, `remove.instance`. They travel with the webhook that the row had, if it
/// had one; others may listen too. A failure is only logged: the instance is gone.
pub(crate) async fn tell_deleted(events: Option<&EventsQueue>, row: &Instance) {
    let was_paired = row.observed.owner_jid.is_some();
    let bodies = [
        was_paired.then_some(EventBody::LogoutInstance),
        Some(EventBody::InstanceDelete(row.into())),
        Some(EventBody::RemoveInstance),
    ];
    let bodies: Vec<_> = bodies.into_iter().flatten().collect();
    let now = UnixMs::now();
    let told = (0..).zip(&bodies).map(|(n, body)| Event {
        farewell: Some(Farewell {
            webhook: row.webhook.clone(),
        }),
        ..event(row, Seq(Seq::AFTER_ALL.0 + n), now, body)
    });
    send(events, row, told.collect()).await;
}

fn event(row: &Instance, seq: Seq, at: UnixMs, body: &EventBody) -> Event {
    let name = body.name();
    Event {
        // It happens once in the life of an instance.
        id: EventId::derive(row.id, &["lifecycle", name.dotted()]),
        instance: row.id,
        name: row.name.clone(),
        seq,
        epoch: row.epoch,
        at,
        event: name,
        data: body.data(),
        sender: row.observed.owner_jid.clone(),
        farewell: None,
        only_to: None,
        projection: None,
    }
}

async fn send(queue: Option<&EventsQueue>, row: &Instance, events: Vec<Event>) {
    let Some(queue) = queue else {
        return;
    };
    let messages = events
        .iter()
        .map(|event| Outgoing::event(event).map_err(|error| Error::Storage(error.into())));
    let sent = match messages.collect::<Result<Vec<_>, _>>() {
        Ok(messages) => queue.0.send(&messages).await,
        Err(error) => Err(error),
    };
    if let Err(error) = sent {
        tracing::error!(instance.id = %row.id, error = %Chain(&error), "lifecycle events not told");
    }
}
