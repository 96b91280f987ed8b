//! What happens to one message of either queue. Without any loop, so that a function that
//! gets messages handed in can do the same.

use std::sync::Arc;
use std::time::Duration;

use pombal_domain::{Event, Instance};
use pombal_store::{Egress, Keys, Queue, Registry, registry};

use super::deadline::Deadline;
use super::error::Error;
use super::fan_out::About;
use super::handle::DeliveryHandle;
use super::letters::{DeadLetter, RetryLetter};
use super::options::DeliveryOptions;
use super::sink::Sink;
use super::stages::Pending;
use super::stalled::Stalled;
use super::tokens::Tokens;
use super::waiting::Waiting;

pub(super) struct Pipeline {
    pub(super) registry: Registry,
    pub(super) egress: Egress,
    pub(super) tokens: Tokens,
    pub(super) stalled: Stalled,
    pub(super) waiting: Waiting,
    pub(super) dead: Arc<dyn Queue>,
    pub(super) options: DeliveryOptions,
    pub(super) handle: DeliveryHandle,
}

impl Pipeline {
    /// `patience`: an endpoint that takes longer to answer is slow.
    pub(super) fn new(
        registry: Registry,
        keys: Arc<dyn Keys>,
        egress: Egress,
        waiting: Waiting,
        dead: Arc<dyn Queue>,
        options: DeliveryOptions,
        patience: Duration,
    ) -> Self {
        Self {
            registry,
            egress,
            tokens: Tokens::new(keys),
            stalled: Stalled::new(options.stall, patience),
            waiting,
            dead,
            options,
            handle: DeliveryHandle::default(),
        }
    }

    /// A message of the events queue. When this returns, the message may be acknowledged.
    pub(super) async fn first(&self, body: &str, deadline: Deadline) -> Result<(), Error> {
        let event: Event = match serde_json::from_str(body) {
            Ok(event) => event,
            Err(error) => return self.bury_unreadable(body, &error).await,
        };
        let Some(row) = self.row(&event).await? else {
            return self.farewell(event, deadline).await;
        };
        if event.epoch < row.epoch {
            self.handle.stale();
            tracing::debug!(event.id = %event.id, "event of a former owner dropped");
            return Ok(());
        }
        if event.projection.is_some() {
            match self.registry.project(&event).await {
                Ok(_) | Err(registry::Error::NotFound) => {}
                Err(error) => return Err(Error::Registry(error)),
            }
        }
        self.fan_out(About::there(&row), event, deadline).await
    }

    /// A message of the retry queue. When this returns, the message may be acknowledged.
    pub(super) async fn again(&self, body: &str, deadline: Deadline) -> Result<(), Error> {
        let letter: RetryLetter = match serde_json::from_str(body) {
            Ok(letter) => letter,
            Err(error) => return self.bury_unreadable(body, &error).await,
        };
        if !letter.early_by().is_zero() {
            return self.waiting.post(&letter).await;
        }
        let row = self.row(&letter.event).await?;
        let farewell = letter.event.farewell.clone();
        let about = match (&row, &farewell, letter.sink) {
            (Some(row), _, _) => About::there(row),
            (None, Some(farewell), _) => About::gone(farewell.webhook.as_ref()),
            // The endpoint does not go with the instance, and the event was good when it came.
            (None, None, Sink::Global) => About::default(),
            (None, None, Sink::Instance) => {
                self.orphaned(&letter.event);
                return Ok(());
            }
        };
        let pending = Pending {
            event: letter.event,
            sink: letter.sink,
            attempts: letter.attempts,
        };
        self.retry(about, pending, deadline).await
    }

    /// An event of an instance that is gone: most are of no interest any more.
    async fn farewell(&self, event: Event, deadline: Deadline) -> Result<(), Error> {
        let Some(farewell) = event.farewell.clone() else {
            self.orphaned(&event);
            return Ok(());
        };
        let about = About::gone(farewell.webhook.as_ref());
        self.fan_out(about, event, deadline).await
    }

    fn orphaned(&self, event: &Event) {
        self.handle.orphaned();
        tracing::debug!(
            instance.id = %event.instance,
            event.id = %event.id,
            "event of a deleted instance dropped"
        );
    }

    /// The row of the event's instance. An instance of the same name is another one.
    async fn row(&self, event: &Event) -> Result<Option<Instance>, Error> {
        let row = self
            .registry
            .instance(&event.name)
            .await
            .map_err(Error::Registry)?;
        Ok(row.filter(|row| row.id == event.instance))
    }

    async fn bury_unreadable(&self, body: &str, error: &serde_json::Error) -> Result<(), Error> {
        tracing::error!(error = %error, "unreadable message given up");
        let letter = DeadLetter::unreadable(body.to_owned(), error.to_string());
        letter.post(self.dead.as_ref()).await?;
        self.handle.dead();
        Ok(())
    }
}
