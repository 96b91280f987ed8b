//! From what a client wants to what is stored.

use pombal_domain::time::UnixMs;
use pombal_domain::{EventName, WebhookConfig};
use pombal_store::{Egress, egress};
use url::Url;
use uuid::Uuid;

use super::WebhookInput;
use crate::api::error::ApiError;

impl WebhookInput {
    /// The row to store. What is left out keeps its old value; no events mean all of them.
    pub(in crate::api) fn merge(
        self,
        old: Option<&WebhookConfig>,
        egress: &Egress,
        now: UnixMs,
    ) -> Result<WebhookConfig, ApiError> {
        let enabled = self.enabled.unwrap_or(true);
        let url = match self.url {
            Some(url) if enabled => checked(url, egress)?,
            None if enabled => {
                return Err(ApiError::schema(vec![
                    "webhook requires property \"url\"".to_owned(),
                ]));
            }
            given => given
                .or_else(|| old.map(|old| old.url.clone()))
                .unwrap_or_default(),
        };
        Ok(WebhookConfig {
            id: old.map_or_else(Uuid::new_v4, |old| old.id),
            enabled,
            url,
            headers: self
                .headers
                .or_else(|| old.and_then(|old| old.headers.clone())),
            by_events: self
                .by_events
                .or(old.map(|old| old.by_events))
                .unwrap_or(false),
            base64: self.base64.or(old.map(|old| old.base64)).unwrap_or(false),
            events: EventName::subscription(enabled, self.events),
            created_at: old.map_or(now, |old| old.created_at),
            updated_at: now,
        })
    }
}

fn checked(url: String, egress: &Egress) -> Result<String, ApiError> {
    let invalid = || ApiError::bad_request("Invalid \"url\" property");
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(invalid());
    }
    let parsed = Url::parse(&url).map_err(|_| invalid())?;
    match egress.check_literal(&parsed) {
        Ok(()) => Ok(url),
        Err(egress::Error::InvalidUrl(_)) => Err(invalid()),
        Err(error) => Err(ApiError::bad_request(format!(
            "The \"url\" is not allowed: {error}"
        ))),
    }
}
