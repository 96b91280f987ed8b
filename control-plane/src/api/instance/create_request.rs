//! The body of `create`.

use axum::http::HeaderValue;
use pombal_domain::{InstanceName, PhoneNumber, Settings, SinkKind};
use serde_json::{Map, Value};

use crate::api::error::ApiError;
use crate::api::fields::{BAD_NUMBER, Fields};
use crate::api::settings;
use crate::api::sink::SinkInput;
use crate::api::webhook::WebhookInput;
use crate::secret::Secret;

/// Longest token in characters: the width of the original's column.
const MAX_TOKEN_CHARS: usize = 255;

/// A valid request for a new instance.
#[derive(Debug)]
pub(super) struct CreateRequest {
    pub(super) name: InstanceName,
    pub(super) token: Option<Secret>,
    pub(super) number: Option<PhoneNumber>,
    pub(super) qrcode: bool,
    pub(super) settings: Settings,
    pub(super) webhook: Option<WebhookInput>,
    pub(super) websocket: Option<SinkInput>,
    pub(super) sqs: Option<SinkInput>,
    /// The request names no integration: a v1 client, which expects v1's reply.
    pub(super) is_v1: bool,
}

impl CreateRequest {
    pub(super) fn parse(body: &Map<String, Value>) -> Result<Self, ApiError> {
        let mut fields = Fields::root(body);
        let name = name(&mut fields);
        let integration = fields.string("integration", usize::MAX - 1);
        let token = token(&mut fields);
        let number = number(&mut fields);
        let qrcode = fields.bool("qrcode").unwrap_or(false);
        let settings = settings::read(&mut fields, &Settings::default());
        let (webhook, violations) = WebhookInput::from_create(body);
        let (websocket, more) = SinkInput::from_create(SinkKind::Websocket, body);
        let (sqs, and_more) = SinkInput::from_create(SinkKind::Sqs, body);
        for text in violations.into_iter().chain(more).chain(and_more) {
            fields.violate(text);
        }
        fields.require("instanceName");
        fields.finish()?;
        match integration.as_deref() {
            None | Some("WHATSAPP-BAILEYS") => {}
            Some(_) => return Err(ApiError::bad_request("Invalid integration")),
        }
        // Without a violation there is a name.
        let name = name.ok_or_else(|| ApiError::bad_request("Invalid instanceName"))?;
        let is_v1 = integration.is_none();
        Ok(Self {
            name,
            token,
            number,
            qrcode,
            settings,
            webhook,
            websocket,
            sqs,
            is_v1,
        })
    }
}

fn name(fields: &mut Fields<'_>) -> Option<InstanceName> {
    let text = fields.string("instanceName", usize::MAX - 1)?;
    InstanceName::parse(&text)
        .map_err(|error| fields.violate(error.to_string()))
        .ok()
}

fn token(fields: &mut Fields<'_>) -> Option<Secret> {
    let text = fields.string("token", MAX_TOKEN_CHARS)?;
    if text.is_empty() {
        return None;
    }
    // It has to come back in a header, whose ends are trimmed on the way.
    if HeaderValue::from_bytes(text.as_bytes()).is_err() || text.trim() != text {
        fields.violate("token can't be sent as a header");
        return None;
    }
    Some(Secret::new(text))
}

fn number(fields: &mut Fields<'_>) -> Option<PhoneNumber> {
    let text = fields.string("number", MAX_TOKEN_CHARS)?;
    let user = text.split('@').next().unwrap_or_default();
    if text.is_empty() {
        return None;
    }
    PhoneNumber::parse(user)
        .map_err(|_| fields.violate(BAD_NUMBER))
        .ok()
}
