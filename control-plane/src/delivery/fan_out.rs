//! From an event to every sink that wants it: a delivery for each, side by side.

use std::borrow::Cow;

use futures::future::join_all;
use pombal_domain::time::UnixMs;
use pombal_domain::{Chain, Event, Instance, WebhookConfig};
use pombal_store::Egress;

use super::deadline::Deadline;
use super::envelope;
use super::error::Error;
use super::pipeline::Pipeline;
use super::sink::Sink;
use super::stages::{Attempt, Outcome, Pending};
use super::target::Target;

/// What is known of the instance that an event is about.
#[derive(Clone, Copy, Default)]
pub(super) struct About<'a> {
    /// Its row; `None` when it is gone.
    pub(super) row: Option<&'a Instance>,
    /// Its webhook, which a farewell may know although the row is gone.
    pub(super) webhook: Option<&'a WebhookConfig>,
}

impl<'a> About<'a> {
    /// An instance that is there.
    pub(super) fn there(row: &'a Instance) -> Self {
        Self {
            row: Some(row),
            webhook: row.webhook.as_ref(),
        }
    }

    /// An instance that is gone.
    pub(super) fn gone(webhook: Option<&'a WebhookConfig>) -> Self {
        Self { row: None, webhook }
    }
}

/// How an event gets to one sink.
struct Route<'a> {
    sink: Sink,
    target: Target,
    egress: &'a Egress,
}

impl Pipeline {
    /// Makes the first attempt at every sink that wants the event. When this returns, each has
    /// it, or has a letter of its own.
    ///
    /// Nobody's attempt waits for another's. But the instance's next event waits for both, so
    /// where two sinks want an event, neither has its full time.
    pub(super) async fn fan_out(
        &self,
        about: About<'_>,
        event: Event,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let routes = Sink::ALL.map(|sink| self.route(sink, about, &event));
        let routes: Vec<Route<'_>> = routes.into_iter().flatten().collect();
        if routes.is_empty() {
            self.handle.unwanted();
            return Ok(());
        }
        let deadline = match routes.len() {
            1 => deadline,
            _ => deadline.at_most(self.options.shared_attempt_timeout),
        };
        let is_stalled = |sink: Sink| self.stalled.contains(sink.endpoint(event.instance));
        let stalled: Vec<bool> = routes.iter().map(|route| is_stalled(route.sink)).collect();
        // Before anything is done for one sink that would be done again for the other's sake.
        if stalled.contains(&false) && deadline.attempt(self.options.attempt_timeout).is_none() {
            return Err(Error::NoTime);
        }
        let copies = std::iter::repeat_n(event, routes.len());
        let deliveries = routes.iter().zip(stalled).zip(copies);
        let deliveries = deliveries.map(|((route, postpone), event)| {
            let pending = Pending {
                event,
                sink: route.sink,
                attempts: 0,
            };
            self.deliver(about, route, pending, postpone, deadline)
        });
        // Each to its end: one that is dropped would have made its attempt in vain.
        join_all(deliveries).await.into_iter().collect()
    }

    /// Makes a later attempt, at one sink. It holds up nobody here, so it is made however the
    /// endpoint has behaved lately.
    pub(super) async fn retry(
        &self,
        about: About<'_>,
        pending: Pending,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let Some(route) = self.route(pending.sink, about, &pending.event) else {
            self.handle.unwanted();
            return Ok(());
        };
        self.deliver(about, &route, pending, false, deadline).await
    }

    /// The way to a sink, if it wants the event.
    fn route(&self, sink: Sink, about: About<'_>, event: &Event) -> Option<Route<'_>> {
        let (target, egress) = match sink {
            Sink::Instance => (Target::own(about.webhook, event)?, &self.egress),
            Sink::Global => {
                let global = self.options.global.as_ref()?;
                let target = Target::global(&global.webhook, about.webhook, event)?;
                (target, &global.egress)
            }
        };
        Some(Route {
            sink,
            target,
            egress,
        })
    }

    async fn deliver(
        &self,
        about: About<'_>,
        route: &Route<'_>,
        pending: Pending,
        postpone: bool,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let attempt = if postpone {
            pending.postpone()
        } else {
            self.attempt(about, route, pending, deadline).await?
        };
        let luck = rand::random_range(-1.0..=1.0);
        match attempt.conclude(&self.options.schedule, luck, UnixMs::now()) {
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

    /// Posts the event, and remembers how its endpoint took it.
    async fn attempt(
        &self,
        about: About<'_>,
        route: &Route<'_>,
        pending: Pending,
        deadline: Deadline,
    ) -> Result<Attempt, Error> {
        let options = &self.options;
        let endpoint = pending.sink.endpoint(pending.event.instance);
        let key = match about.row {
            Some(row) => self.apikey(row).await,
            None => None,
        };
        let event = match (&options.shelf, about.row, pending.sink) {
            (Some(shelf), Some(row), Sink::Instance) => shelf.complete(row, &pending.event).await,
            _ => Cow::Borrowed(&pending.event),
        };
        let Route { target, egress, .. } = route;
        let body = envelope::body(
            &event,
            &target.destination,
            &options.server_url,
            key.as_ref(),
        )?;
        let timeout = deadline
            .attempt(options.attempt_timeout)
            .ok_or(Error::NoTime)?;
        let attempt = pending.attempt(target, egress, body, timeout).await;
        if attempt.timed_out() {
            self.stalled.note(endpoint);
        } else {
            self.stalled.answered(endpoint, attempt.took());
        }
        Ok(attempt)
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
}
