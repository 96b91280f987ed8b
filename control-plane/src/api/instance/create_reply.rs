//! The reply of `create`, in the shape that the client's version expects.

use std::collections::BTreeMap;

use pombal_domain::{
    Instance, InstanceId, InstanceName, Integration, Settings, SinkConfig, WebhookConfig,
};
use serde::Serialize;

use super::pairing::CodeReply;
use crate::secret::Secret;

/// The contract's 201 body.
#[derive(Serialize, utoipa::ToSchema)]
pub(in crate::api) struct CreateReply {
    instance: Created,
    hash: Hash,
    webhook: Webhook,
    websocket: Sink,
    rabbitmq: Nothing,
    nats: Nothing,
    sqs: Sink,
    settings: Settings,
    #[serde(skip_serializing_if = "Option::is_none")]
    qrcode: Option<CodeReply>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CreatedInstance)]
#[serde(rename_all = "camelCase")]
struct Created {
    instance_name: InstanceName,
    instance_id: InstanceId,
    integration: Integration,
    webhook_wa_business: Option<String>,
    access_token_wa_business: &'static str,
    status: &'static str,
}

/// The token: v1 clients expect it in an object.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CreatedHash)]
#[serde(untagged)]
enum Hash {
    V1 { apikey: String },
    V2(String),
}

#[derive(Default, Serialize, utoipa::ToSchema)]
#[schema(as = CreatedWebhook)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_headers: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_by_events: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_base64: Option<bool>,
}

impl From<WebhookConfig> for Webhook {
    fn from(config: WebhookConfig) -> Self {
        Self {
            webhook_url: Some(config.url),
            webhook_headers: config.headers,
            webhook_by_events: Some(config.by_events),
            webhook_base64: Some(config.base64),
        }
    }
}

/// Whether a sink is on; empty when nothing was said of it.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CreatedSink)]
struct Sink {
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
}

impl From<Option<SinkConfig>> for Sink {
    fn from(config: Option<SinkConfig>) -> Self {
        Self {
            enabled: config.map(|config| config.enabled),
        }
    }
}

/// Sinks that are not supported.
#[derive(Serialize, utoipa::ToSchema)]
struct Nothing {}

impl CreateReply {
    pub(super) fn new(
        row: Instance,
        token: &Secret,
        is_v1: bool,
        qrcode: Option<CodeReply>,
        server_url: &str,
    ) -> Self {
        let is_business = row.business.is_some();
        let webhook_wa_business = is_business.then(|| format!("{server_url}/webhook/meta"));
        let token = token.expose().to_owned();
        let (hash, status) = if is_v1 {
            (Hash::V1 { apikey: token }, "created")
        } else {
            (Hash::V2(token), row.observed.state.as_str())
        };
        Self {
            instance: Created {
                instance_name: row.name,
                instance_id: row.id,
                integration: row.integration,
                webhook_wa_business,
                // The verify token is the operator's: who sets up Meta's webhook knows it.
                access_token_wa_business: "",
                status,
            },
            hash,
            webhook: row.webhook.map(Webhook::from).unwrap_or_default(),
            websocket: row.websocket.into(),
            rabbitmq: Nothing {},
            nats: Nothing {},
            sqs: row.sqs.into(),
            settings: row.settings,
            qrcode,
        }
    }
}
