//! The answers of the template routes.

use pombal_domain::InstanceId;
use pombal_store::registry::TemplateRow;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// A template that was made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct TemplateReply {
    id: Uuid,
    /// Meta's id.
    template_id: String,
    name: String,
    /// What was asked, with what Meta answered: its `id`, `status` and `category`.
    #[schema(value_type = Object)]
    template: Value,
    /// Who hears of its status.
    webhook_url: Option<String>,
    created_at: String,
    updated_at: String,
    instance_id: InstanceId,
}

impl From<TemplateRow> for TemplateReply {
    fn from(row: TemplateRow) -> Self {
        Self {
            id: row.id,
            template_id: row.template_id.to_string(),
            name: row.name,
            template: row.template,
            webhook_url: row.webhook_url,
            created_at: row.created_at,
            updated_at: row.updated_at,
            instance_id: row.instance_id,
        }
    }
}
