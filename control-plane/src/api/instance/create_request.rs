//! The body of `create`.

use pombal_domain::{
    Business, GraphId, InstanceName, Integration, PhoneNumber, Settings, SinkKind,
};
use serde_json::{Map, Value};

use crate::api::error::ApiError;
use crate::api::fields::{BAD_NUMBER, Fields};
use crate::api::proxy::ProxyInput;
use crate::api::sink::SinkInput;
use crate::api::webhook::WebhookInput;
use crate::api::{settings, token};
use crate::secret::Secret;

/// Longest `number` in characters: the width of the original's column.
const MAX_NUMBER_CHARS: usize = 255;
/// The integration of the Cloud API.
const BUSINESS: &str = Integration::Business.as_str();

/// A valid request for a new instance.
pub(super) struct CreateRequest {
    pub(super) name: InstanceName,
    pub(super) token: Option<Secret>,
    pub(super) number: Option<PhoneNumber>,
    /// What it is on Meta's side, if it is for the Cloud API.
    pub(super) business: Option<Business>,
    pub(super) qrcode: bool,
    pub(super) settings: Settings,
    pub(super) proxy: Option<ProxyInput>,
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
        let is_business = integration.as_deref() == Some(BUSINESS);
        let token = if is_business {
            token::read_metas(&mut fields)
        } else {
            token::read(&mut fields)
        };
        let (number, business) = if is_business {
            (None, business(&mut fields))
        } else {
            (number(&mut fields), None)
        };
        let qrcode = fields.bool("qrcode").unwrap_or(false);
        let settings = settings::read(&mut fields, &Settings::default());
        let (proxy, about_proxy) = ProxyInput::from_create(body);
        let (webhook, violations) = WebhookInput::from_create(body);
        let (websocket, more) = SinkInput::from_create(SinkKind::Websocket, body);
        let (sqs, and_more) = SinkInput::from_create(SinkKind::Sqs, body);
        let violations = about_proxy.into_iter().chain(violations);
        for text in violations.chain(more).chain(and_more) {
            fields.violate(text);
        }
        fields.require("instanceName");
        fields.finish()?;
        no_chatwoot(body)?;
        match integration.as_deref() {
            None | Some("WHATSAPP-BAILEYS") => {}
            Some(BUSINESS) => {
                required(token.is_some(), "token is required")?;
                required(business.is_some(), "number is required")?;
            }
            Some(_) => return Err(ApiError::bad_request("Invalid integration")),
        }
        // Without a violation there is a name.
        let name = name.ok_or_else(|| ApiError::bad_request("Invalid instanceName"))?;
        let is_v1 = integration.is_none();
        Ok(Self {
            name,
            token,
            number,
            business,
            // There is no code to scan.
            qrcode: qrcode && !is_business,
            settings,
            proxy,
            webhook,
            websocket,
            sqs,
            is_v1,
        })
    }
}

/// Who asks for Chatwoot's help desk must hear that it won't be there. The original does
/// nothing about it either until all three are given. Sinks that are not there are left alone,
/// as it does with those that its operator has switched off.
fn no_chatwoot(body: &Map<String, Value>) -> Result<(), ApiError> {
    let is_given = |name: &str| match body.get(name) {
        None => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(_) => true,
    };
    if ["chatwootAccountId", "chatwootToken", "chatwootUrl"]
        .into_iter()
        .all(is_given)
    {
        return Err(ApiError::bad_request("Chatwoot is disabled"));
    }
    Ok(())
}

fn name(fields: &mut Fields<'_>) -> Option<InstanceName> {
    let text = fields.string("instanceName", usize::MAX - 1)?;
    InstanceName::parse(&text)
        .map_err(|error| fields.violate(error.to_string()))
        .ok()
}

fn required(is_there: bool, text: &str) -> Result<(), ApiError> {
    if is_there {
        Ok(())
    } else {
        Err(ApiError::bad_request(text))
    }
}

/// Number and account of an instance of the Cloud API.
fn business(fields: &mut Fields<'_>) -> Option<Business> {
    let account = graph_id(fields, "businessId");
    let phone_number = graph_id(fields, "number")?;
    Some(Business {
        phone_number,
        account,
    })
}

fn graph_id(fields: &mut Fields<'_>, name: &str) -> Option<GraphId> {
    let text = fields.string(name, MAX_NUMBER_CHARS)?;
    if text.is_empty() {
        return None;
    }
    let id = text.parse();
    id.map_err(|_| fields.violate(format!("{name} is not an id of Meta's: digits only")))
        .ok()
}

fn number(fields: &mut Fields<'_>) -> Option<PhoneNumber> {
    let text = fields.string("number", MAX_NUMBER_CHARS)?;
    let user = text.split('@').next().unwrap_or_default();
    if text.is_empty() {
        return None;
    }
    PhoneNumber::parse(user)
        .map_err(|_| fields.violate(BAD_NUMBER))
        .ok()
}
