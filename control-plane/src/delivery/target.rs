//! Where and how an event is posted.

use std::collections::BTreeMap;

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName,
    HeaderValue, TRANSFER_ENCODING, USER_AGENT,
};
use pombal_domain::time::UnixMs;
use pombal_domain::{Event, WebhookConfig};
use pombal_store::egress;
use url::Url;

use super::failure::Failure;
use super::global::GlobalWebhook;
use super::jwt;

/// The header that is replaced by a signed token.
const JWT_KEY: &str = "jwt_key";
const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const AGENT: HeaderValue = HeaderValue::from_static(concat!("pombal/", env!("CARGO_PKG_VERSION")));

/// The endpoint of one event.
#[derive(Debug)]
pub(super) struct Target {
    /// Where it is posted, with the event's suffix if the webhook wants one.
    pub(super) url: String,
    /// What the body says about it: the URL of the instance's webhook, without a suffix.
    pub(super) destination: String,
    /// The webhook's own headers.
    custom: BTreeMap<String, String>,
}

impl Target {
    /// The instance's own endpoint that wants `event`, if there is one.
    pub(super) fn own(config: Option<&WebhookConfig>, event: &Event) -> Option<Self> {
        if let Some(url) = &event.only_to {
            // Not the webhook's: its headers may hold secrets that are for it alone.
            return Some(Self {
                url: url.clone(),
                destination: url.clone(),
                custom: BTreeMap::new(),
            });
        }
        let config = config?;
        Some(Self {
            url: config.target(event.event)?,
            destination: config.url.clone(),
            custom: config.headers.clone().unwrap_or_default(),
        })
    }

    /// The operator's endpoint, if it wants `event`. Its body shows the URL of the instance's
    /// webhook where there is one (contract § 3.1), wanted there or not.
    pub(super) fn global(
        global: &GlobalWebhook,
        own: Option<&WebhookConfig>,
        event: &Event,
    ) -> Option<Self> {
        if event.only_to.is_some() {
            return None;
        }
        let url = global.target(event.event)?;
        let destination = match own.and_then(WebhookConfig::address) {
            Some(own) => own.to_owned(),
            None => event.event.below(&global.url),
        };
        Some(Self {
            url,
            destination,
            custom: BTreeMap::new(),
        })
    }

    /// The parsed URL.
    pub(super) fn url(&self) -> Result<Url, Failure> {
        Url::parse(&self.url)
            .map_err(|_| Failure::Unreachable(egress::Error::InvalidUrl("it does not parse")))
    }

    /// The request's headers: the webhook's own, and ours over them.
    pub(super) fn headers(&self, event: &Event, now: UnixMs) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.custom {
            let (name, value) = match name.as_str() {
                JWT_KEY => (
                    Ok(AUTHORIZATION),
                    HeaderValue::try_from(format!("Bearer {}", jwt::sign(value, now.seconds()))),
                ),
                other => (HeaderName::try_from(other), HeaderValue::try_from(value)),
            };
            // Both were checked when the webhook was set.
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.insert(name, value);
            }
        }
        // These frame the request; a tenant must not.
        for name in [HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
            headers.remove(name);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, AGENT);
        if let Ok(id) = HeaderValue::try_from(event.id.to_string()) {
            headers.insert(WEBHOOK_ID, id);
        }
        headers
    }
}
