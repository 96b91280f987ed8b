//! The many ways in which clients write a webhook.

use std::collections::BTreeMap;

use axum::http::{HeaderName, HeaderValue};
use pombal_domain::EventName;
use serde_json::{Map, Value};

use crate::api::error::ApiError;
use crate::api::fields::Fields;

/// Longest URL, in characters.
const MAX_URL_CHARS: usize = 2000;
/// Most bytes of names and values of the extra headers together.
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// A webhook as a client wants it; what is left out is `None`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::api) struct WebhookInput {
    pub(super) enabled: Option<bool>,
    pub(super) url: Option<String>,
    pub(super) headers: Option<BTreeMap<String, String>>,
    pub(super) by_events: Option<bool>,
    pub(super) base64: Option<bool>,
    pub(super) events: Vec<EventName>,
}

/// Where a field may stand.
struct Spellings {
    url: &'static [&'static str],
    by_events: &'static [&'static str],
    base64: &'static [&'static str],
    events: &'static [&'static str],
}

/// In a webhook of its own: the original's, the documents' and n8n's spellings.
const OWN: Spellings = Spellings {
    url: &["url", "webhookUrl", "webhook_url"],
    by_events: &["byEvents", "webhookByEvents", "webhook_by_events"],
    base64: &["base64", "webhookBase64", "webhook_base64"],
    events: &["events", "webhookEvents", "webhook_events"],
};

/// Among the fields of `create`. There `webhook` may also be the URL itself.
const IN_CREATE: Spellings = Spellings {
    url: &["webhook", "webhookUrl", "webhook_url"],
    by_events: &["webhookByEvents", "webhook_by_events"],
    base64: &["webhookBase64", "webhook_base64"],
    events: &["webhookEvents", "webhook_events"],
};

impl WebhookInput {
    /// Reads the body of `set`: nested under `webhook`, or flat.
    pub(super) fn from_set(body: &Map<String, Value>) -> Result<Self, ApiError> {
        let (input, violations) = match body.get("webhook") {
            Some(Value::Object(nested)) => Self::read(nested, &OWN),
            Some(Value::String(_)) => Self::read(body, &IN_CREATE),
            Some(_) => return Err(violation("webhook is not of a type(s) object")),
            None if !OWN.is_any_in(body) => {
                return Err(violation("instance requires property \"webhook\""));
            }
            None => Self::read(body, &OWN),
        };
        if violations.is_empty() {
            Ok(input)
        } else {
            Err(ApiError::schema(violations))
        }
    }

    /// Reads the webhook out of the body of `create`, with what violates the schema. `None`:
    /// there is none.
    pub(in crate::api) fn from_create(body: &Map<String, Value>) -> (Option<Self>, Vec<String>) {
        let (input, violations) = match body.get("webhook") {
            Some(Value::Object(nested)) => Self::read(nested, &OWN),
            Some(Value::String(_)) | None => Self::read(body, &IN_CREATE),
            Some(_) => (
                Self::default(),
                vec!["webhook is not of a type(s) object".to_owned()],
            ),
        };
        let is_empty = input.enabled.is_none() && input.url.as_deref().is_none_or(str::is_empty);
        ((!is_empty).then_some(input), violations)
    }

    fn read(object: &Map<String, Value>, spellings: &Spellings) -> (Self, Vec<String>) {
        let mut fields = Fields::nested(object, "webhook");
        let input = Self {
            enabled: fields.bool("enabled"),
            url: fields
                .spelling(spellings.url)
                .and_then(|name| fields.string(name, MAX_URL_CHARS))
                .map(|url| url.trim().to_owned()),
            headers: headers(&mut fields),
            by_events: fields
                .spelling(spellings.by_events)
                .and_then(|name| fields.bool(name)),
            base64: fields
                .spelling(spellings.base64)
                .and_then(|name| fields.bool(name)),
            events: fields
                .spelling(spellings.events)
                .map(|name| fields.events(name))
                .unwrap_or_default(),
        };
        (input, fields.into_violations())
    }
}

impl Spellings {
    fn is_any_in(&self, body: &Map<String, Value>) -> bool {
        [
            self.url,
            self.by_events,
            self.base64,
            self.events,
            &["enabled", "headers"],
        ]
        .into_iter()
        .flatten()
        .any(|name| body.contains_key(*name))
    }
}

fn violation(text: &str) -> ApiError {
    ApiError::schema(vec![text.to_owned()])
}

fn headers(fields: &mut Fields<'_>) -> Option<BTreeMap<String, String>> {
    let object = fields.object("headers")?;
    let mut headers = BTreeMap::new();
    let mut bytes = 0;
    for (name, value) in object {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => {
                fields.wrong_type(&format!("headers.{name}"), "string");
                continue;
            }
        };
        if HeaderName::try_from(name).is_err() || HeaderValue::try_from(&text).is_err() {
            fields.violate(format!(
                "{} can't be sent as a header",
                fields.path("headers")
            ));
            continue;
        }
        bytes += name.len() + text.len();
        headers.insert(name.clone(), text);
    }
    if bytes > MAX_HEADER_BYTES {
        fields.violate(format!(
            "webhook.headers are larger than {MAX_HEADER_BYTES} bytes"
        ));
    }
    Some(headers)
}
