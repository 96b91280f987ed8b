//! Where an instance's events are delivered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::event::EventName;
use crate::time::UnixMs;

/// The webhook of one instance, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookConfig {
    /// Identity of the row, kept over changes.
    pub id: Uuid,
    /// Off keeps the row but delivers nothing.
    pub enabled: bool,
    /// The address. Clients that disable a webhook may leave any text here.
    pub url: String,
    /// Extra request headers.
    pub headers: Option<BTreeMap<String, String>>,
    /// Post to `<url>/<event-name>` instead of `<url>`.
    pub by_events: bool,
    /// Put media into the body.
    pub base64: bool,
    /// The events to deliver.
    pub events: Vec<EventName>,
    /// When the row was made.
    pub created_at: UnixMs,
    /// When it last changed.
    pub updated_at: UnixMs,
}

impl WebhookConfig {
    /// The URL that `event` is posted to; `None` when this webhook doesn't want it.
    #[must_use]
    pub fn target(&self, event: EventName) -> Option<String> {
        if !self.enabled || !self.events.contains(&event) {
            return None;
        }
        let url = self.address()?;
        Some(if self.by_events {
            event.below(url)
        } else {
            url.to_owned()
        })
    }

    /// The URL, if it is one of the web, whether or not the webhook is on.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        let is_http = self.url.starts_with("http://") || self.url.starts_with("https://");
        is_http.then_some(self.url.as_str())
    }
}
