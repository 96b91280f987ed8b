//! What Meta's webhooks tell becomes events.

use std::collections::HashSet;

use pombal_domain::{Chain, EventId, EventName, GraphId, Instance};
use serde_json::Value;
use tokio::time::Instant;

use super::inbound::{self, Change, InboundMessage, list, text};
use super::stream::Fact;
use super::{BusinessError, Cloud};

/// Facts that are published together. What was published stays so if the rest fails.
const STEP: usize = 10;

impl Cloud {
    /// Takes one webhook: every message and status of every change of every entry. When it
    /// returns `Ok`, all of that is in the events queue. Otherwise Meta sends the webhook again,
    /// and what was published is known by its ids.
    ///
    /// # Errors
    /// The first failure. Changes of other instances are worked on all the same.
    pub async fn receive(&self, body: &Value) -> Result<(), BusinessError> {
        let media_until = Instant::now() + self.0.config.media_time;
        let mut outcome = Ok(());
        let mut stopped = HashSet::new();
        for change in inbound::changes(body) {
            let of = change_of(&change);
            // Behind something of the same number that failed: its turn comes with that.
            if stopped.contains(&of) {
                continue;
            }
            if let Err(error) = self.change(&change, media_until).await {
                tracing::error!(error = %Chain(&error), "change of a webhook not taken");
                stopped.insert(of);
                outcome = outcome.and(Err(error));
            }
        }
        outcome
    }

    async fn change(&self, change: &Change<'_>, media_until: Instant) -> Result<(), BusinessError> {
        match change.field {
            "messages" | "smb_message_echoes" => self.messages(change.value, media_until).await,
            "message_template_status_update" => self.template_status(change).await,
            other => {
                tracing::debug!(field = other, "webhook of a kind that nobody needs");
                Ok(())
            }
        }
    }

    async fn messages(&self, value: &Value, media_until: Instant) -> Result<(), BusinessError> {
        let Some(row) = self.addressee(value).await? else {
            // No number in the log: it may be anybody's.
            tracing::warn!("webhook for a number that no instance has");
            return Ok(());
        };
        for error in list(value, "errors") {
            let code = error.get("code").and_then(Value::as_i64);
            tracing::warn!(instance.id = %row.id, code, "Meta reports an error");
        }
        let messages: Vec<&Value> = list(value, "messages")
            .chain(list(value, "message_echoes"))
            .collect();
        for step in messages.chunks(STEP) {
            let mut facts = Vec::new();
            for message in step {
                self.message(&row, value, message, media_until, &mut facts)
                    .await?;
            }
            self.0.stream.publish(&row, facts).await?;
        }
        let mut facts = Vec::new();
        for status in list(value, "statuses") {
            self.status(&row, status, &mut facts).await?;
        }
        if facts.is_empty() {
            return Ok(());
        }
        self.0.stream.publish(&row, facts).await
    }

    /// The instance that a change is for: the one with this number, on this channel. The number
    /// that a linked device was given is nothing to Meta.
    async fn addressee(&self, value: &Value) -> Result<Option<Instance>, BusinessError> {
        let Some(id) = phone_number(value) else {
            return Ok(None);
        };
        Ok(self.0.registry.instance_by_phone_number(&id).await?)
    }

    async fn message(
        &self,
        row: &Instance,
        value: &Value,
        message: &Value,
        media_until: Instant,
        facts: &mut Vec<Fact>,
    ) -> Result<(), BusinessError> {
        let Some(mut read) = InboundMessage::read(row, value, message) else {
            tracing::warn!(instance.id = %row.id, "message without id, sender or kind left out");
            return Ok(());
        };
        facts.extend(inbound::contact(row, value, message));
        if let Some(medium) = read.medium.clone()
            // A repetition does not fetch it once more.
            && !self.0.stream.knows(row, read.id).await?
        {
            let time = media_until.saturating_duration_since(Instant::now());
            if let Some(url) = self.take_over(row, read.id, &medium, time).await {
                read.set_media_url(url.as_str());
            }
        }
        facts.push(read.fact().map_err(BusinessError::Encode)?);
        Ok(())
    }

    async fn status(
        &self,
        row: &Instance,
        status: &Value,
        facts: &mut Vec<Fact>,
    ) -> Result<(), BusinessError> {
        let Some(fact) = inbound::status(row, status) else {
            tracing::warn!(instance.id = %row.id, "status without id or recipient left out");
            return Ok(());
        };
        let message = text(status, "id").unwrap_or_default();
        if let Some(url) = self.0.registry.hook(row.id, message).await? {
            facts.push(told_to(row, &fact, url));
        }
        facts.push(fact);
        Ok(())
    }

    /// A template was approved, rejected, paused…: who has asked to hear of it does.
    async fn template_status(&self, change: &Change<'_>) -> Result<(), BusinessError> {
        let (account, value) = (change.account, change.value);
        let id = value.get("message_template_id").and_then(graph_id);
        let (Ok(account), Some(id)) = (account.parse::<GraphId>(), id) else {
            tracing::warn!("status of a template without its id left out");
            return Ok(());
        };
        for row in self.0.registry.instances_of_account(&account).await? {
            let Some(mut template) = self.0.registry.template(row.id, &id).await? else {
                continue;
            };
            let event = text(value, "event").unwrap_or_default();
            if let Some(shown) = template.template.as_object_mut() {
                shown.insert("status".to_owned(), event.into());
            }
            self.0.registry.put_template(&template).await?;
            let Some(url) = template.webhook_url else {
                continue;
            };
            // Meta gives these no id. The same news of the same second is told once.
            let told = format!("{:?} {value}", change.time);
            let fact = Fact {
                id: EventId::derive(row.id, &["template", id.as_str(), &told]),
                event: EventName::StatusInstance,
                data: value.clone(),
                only_to: Some(url),
            };
            self.0.stream.publish(&row, vec![fact]).await?;
        }
        Ok(())
    }
}

/// The same data for an address of its own.
fn told_to(row: &Instance, fact: &Fact, url: String) -> Fact {
    Fact {
        id: EventId::derive(row.id, &["told", &fact.id.to_string()]),
        only_to: Some(url),
        ..fact.clone()
    }
}

/// What must stay in order: the number, or the account.
fn change_of(change: &Change<'_>) -> String {
    match phone_number(change.value) {
        Some(number) => number.to_string(),
        None => change.account.to_owned(),
    }
}

fn phone_number(value: &Value) -> Option<GraphId> {
    graph_id(value.get("metadata")?.get("phone_number_id")?)
}

/// An id, as a text or as a number.
fn graph_id(value: &Value) -> Option<GraphId> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}
