//! A webhook as the contract shows it.

use std::collections::BTreeMap;

use pombal_domain::{EventName, InstanceId, WebhookConfig};
use serde::Serialize;
use uuid::Uuid;

/// The stored row. `byEvents` and `base64` go in, `webhookByEvents` and `webhookBase64` come
/// out: so does the original.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct WebhookRow {
    id: Uuid,
    url: String,
    headers: Option<BTreeMap<String, String>>,
    enabled: bool,
    events: Vec<EventName>,
    webhook_by_events: bool,
    webhook_base64: bool,
    created_at: String,
    updated_at: String,
    instance_id: InstanceId,
}

impl WebhookRow {
    pub(in crate::api) fn new(instance_id: InstanceId, config: WebhookConfig) -> Self {
        Self {
            id: config.id,
            url: config.url,
            headers: config.headers,
            enabled: config.enabled,
            events: config.events,
            webhook_by_events: config.by_events,
            webhook_base64: config.base64,
            created_at: config.created_at.iso8601(),
            updated_at: config.updated_at.iso8601(),
            instance_id,
        }
    }
}
