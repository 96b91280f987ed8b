//! A sink as the contract shows it.

use pombal_domain::{EventName, InstanceId, SinkConfig};
use serde::Serialize;
use uuid::Uuid;

/// The stored row.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct SinkRow {
    id: Uuid,
    enabled: bool,
    events: Vec<EventName>,
    created_at: String,
    updated_at: String,
    instance_id: InstanceId,
}

impl SinkRow {
    pub(in crate::api) fn new(instance_id: InstanceId, config: SinkConfig) -> Self {
        Self {
            id: config.id,
            enabled: config.enabled,
            events: config.events,
            created_at: config.created_at.iso8601(),
            updated_at: config.updated_at.iso8601(),
            instance_id,
        }
    }
}
