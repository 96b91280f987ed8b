//! What all messages have in common that go through the Cloud API.

use axum::Json;
use axum::http::StatusCode;
use pombal_domain::{Instance, PhoneNumber, Recipient};
use pombal_store::Egress;
use serde_json::{Map, Value};
use url::Url;

use super::send_text_request::{delay, number, quoted};
use crate::api::error::ApiError;
use crate::api::fields::{BAD_NUMBER, Fields};
use crate::api::state::ApiState;
use crate::business::{Draft, SentMessage};

/// Longest address of a webhook in characters.
const MAX_URL_CHARS: usize = 2048;

/// The answer of a send.
pub(super) type Sent = (StatusCode, Json<SentMessage>);

/// To whom, and what it answers.
#[derive(Debug)]
pub(super) struct Common {
    number: Option<String>,
    quoted: Option<String>,
}

impl Common {
    /// Reads the fields that every message has.
    pub(super) fn read(fields: &mut Fields<'_>, body: &Map<String, Value>) -> Self {
        let number = number(fields);
        if let Some(value) = body.get("delay") {
            delay(fields, value);
        }
        let quoted = body.get("quoted").and_then(|value| quoted(fields, value));
        fields.require("number");
        Self {
            number,
            quoted: quoted.map(|quoted| quoted.id.to_string()),
        }
    }

    /// For a message that names the chat elsewhere, and answers nothing.
    pub(super) fn to(number: String) -> Self {
        Self {
            number: Some(number),
            quoted: None,
        }
    }

    /// With the id of the message that it answers.
    pub(super) fn answering(self, quoted: Option<String>) -> Self {
        Self { quoted, ..self }
    }

    /// The phone number in digits, as the caller has it: Meta finds the account to it.
    fn digits(&self) -> Result<String, ApiError> {
        let text = self.number.as_deref().unwrap_or_default().trim();
        let bad = || ApiError::schema(vec![BAD_NUMBER.to_owned()]);
        match Recipient::parse(text).map_err(|_| bad())? {
            Recipient::Phone(_) => {
                let user = text.split(['@', ':']).next().unwrap_or_default();
                let digits = PhoneNumber::parse(user).map_err(|_| bad())?;
                Ok(digits.as_str().to_owned())
            }
            // Nobody but people with a phone number can be written to.
            Recipient::Lid(_) | Recipient::Group(_) => Err(ApiError::not_on_business()),
        }
    }
}

/// Refuses an instance that is a linked device: `what` is not there for these yet.
pub(super) fn only_business(row: &Instance, what: &str) -> Result<(), ApiError> {
    match row.business {
        Some(_) => Ok(()),
        None => Err(ApiError::not_yet(what)),
    }
}

/// Sends a message of an instance of the Cloud API.
pub(super) async fn deliver(
    state: &ApiState,
    row: &Instance,
    common: Common,
    mut draft: Draft,
) -> Result<Sent, ApiError> {
    let cloud = state.options().cloud.as_ref();
    let both = cloud.zip(row.business.as_ref());
    let (cloud, business) = both.ok_or_else(ApiError::not_on_business)?;
    let to = common.digits()?;
    draft.quoted = common.quoted;
    let sent = cloud.send(row, business, &to, draft).await?;
    Ok((StatusCode::CREATED, Json(sent)))
}

/// `webhookUrl`: an address that users may name.
pub(in crate::api) fn webhook_url(fields: &mut Fields<'_>, egress: &Egress) -> Option<String> {
    let text = fields.string("webhookUrl", MAX_URL_CHARS)?;
    if text.is_empty() {
        return None;
    }
    let allowed = Url::parse(&text).is_ok_and(|url| egress.check_literal(&url).is_ok());
    if !allowed {
        fields.violate("webhookUrl is not an address that can be reached");
        return None;
    }
    Some(text)
}

/// A number, or its digits as forms send them.
pub(super) fn float(fields: &mut Fields<'_>, name: &str) -> Option<f64> {
    let value = fields.get(name)?;
    let float = match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    let float = float.filter(|float: &f64| float.is_finite());
    if float.is_none() {
        fields.wrong_type(name, "number");
    }
    float
}

/// The objects of a list that must not be empty, each read by `read`. Violations name their
/// place.
pub(super) fn objects<T>(
    fields: &mut Fields<'_>,
    name: &str,
    mut read: impl FnMut(&mut Fields<'_>) -> T,
) -> Vec<T> {
    let Some(value) = fields.get(name) else {
        return Vec::new();
    };
    let Some(items) = value.as_array() else {
        fields.wrong_type(name, "array");
        return Vec::new();
    };
    if items.is_empty() {
        let path = fields.path(name);
        fields.violate(format!("{path} does not meet minimum length of 1"));
    }
    let mut found = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let path = fields.path(&format!("{name}[{i}]"));
        let Some(object) = item.as_object() else {
            fields.violate(format!("{path} is not of a type(s) object"));
            continue;
        };
        let mut inner = Fields::nested(object, &path);
        found.push(read(&mut inner));
        fields.absorb(inner);
    }
    found
}
