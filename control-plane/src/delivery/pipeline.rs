//! What happens to one message of either queue. Without any loop, so that a function that
//! gets messages handed in can do the same.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use pombal_domain::time::UnixMs;
use pombal_domain::{Event, Instance, WebhookConfig};
use pombal_store::{Egress, Keys, Queue, Registry, registry};

use super::deadline::Deadline;
use super::envelope;
use super::error::Error;
use super::handle::DeliveryHandle;
use super::letters::{DeadLetter, RetryLetter};
use super::options::DeliveryOptions;
use super::stages::{Outcome, Pending};
use super::stalled::Stalled;
use super::target::Target;
use super::tokens::Tokens;
use super::waiting::Waiting;
use pombal_domain::Chain;

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
            return self.farewell(event, 0, deadline).await;
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
        let is_stalled = self.stalled.contains(row.id);
        let pending = Pending { event, attempts: 0 };
        let webhook = row.webhook.as_ref();
        self.deliver(Some(&row), webhook, pending, is_stalled, deadline)
            .await
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
        let Some(row) = self.row(&letter.event).await? else {
            return self.farewell(letter.event, letter.attempts, deadline).await;
        };
        // It holds up nobody here, so it is tried however its endpoint has behaved lately.
        let pending = Pending {
            event: letter.event,
            attempts: letter.attempts,
        };
        let webhook = row.webhook.as_ref();
        self.deliver(Some(&row), webhook, pending, false, deadline)
            .await
    }

    /// An event of an instance that is gone: most are of no interest any more.
    async fn farewell(
        &self,
        mut event: Event,
        attempts: u32,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let Some(farewell) = event.farewell.take() else {
            self.handle.orphaned();
            tracing::debug!(
                instance.id = %event.instance,
                event.id = %event.id,
                "event of a deleted instance dropped"
            );
            return Ok(());
        };
        let webhook = farewell.webhook.clone();
        event.farewell = Some(farewell);
        let is_stalled = attempts == 0 && self.stalled.contains(event.instance);
        let pending = Pending { event, attempts };
        self.deliver(None, Some(&webhook), pending, is_stalled, deadline)
            .await
    }

    /// `row` is `None` when the instance is gone.
    async fn deliver(
        &self,
        row: Option<&Instance>,
        webhook: Option<&WebhookConfig>,
        pending: Pending,
        postpone: bool,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let options = &self.options;
        let Some(target) = Target::of(webhook, &pending.event) else {
            self.handle.unwanted();
            return Ok(());
        };
        let attempt = if postpone {
            pending.postpone()
        } else {
            let instance = pending.event.instance;
            let key = match row {
                Some(row) => self.apikey(row).await,
                None => None,
            };
            let event = match (&options.shelf, row) {
                (Some(shelf), Some(row)) => shelf.complete(row, &pending.event).await,
                _ => Cow::Borrowed(&pending.event),
            };
            let body = envelope::body(
                &event,
                &target.destination,
                &options.server_url,
                key.as_ref(),
            )?;
            let timeout = deadline
                .attempt(options.attempt_timeout)
                .ok_or(Error::NoTime)?;
            let attempt = pending.attempt(&target, &self.egress, body, timeout).await;
            if attempt.timed_out() {
                self.stalled.note(instance);
            } else {
                self.stalled.answered(instance, attempt.took());
            }
            attempt
        };
        let luck = rand::random_range(-1.0..=1.0);
        match attempt.conclude(&options.schedule, luck, UnixMs::now()) {
            Outcome::Delivered => self.handle.delivered(),
            Outcome::Failed(failed) => {
                failed.schedule(&self.waiting).await?;
                self.handle.failed();
            }
            Outcome::Dead(dead) => {
                dead.bury(self.dead.as_ref()).await?;
                self.handle.dead();
            }
        }
        Ok(())
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

    async fn apikey(&self, row: &Instance) -> Option<crate::secret::Secret> {
        if !self.options.expose_keys {
            return None;
        }
        let token = self.tokens.of(row).await;
        if let Err(error) = &token {
            tracing::error!(instance.id = %row.id, error = %Chain(error), "token not shown");
        }
        token.ok()
    }

    async fn bury_unreadable(&self, body: &str, error: &serde_json::Error) -> Result<(), Error> {
        tracing::error!(error = %error, "unreadable message given up");
        let letter = DeadLetter::unreadable(body.to_owned(), error.to_string());
        letter.post(self.dead.as_ref()).await?;
        self.handle.dead();
        Ok(())
    }
}
