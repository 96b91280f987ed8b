//! Message templates that instances of the Cloud API have made.

use pombal_domain::{GraphId, InstanceId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::business::partition_of;
use super::row::{Item, Row, json, key};
use super::{Error, Registry};

/// A template, as its instance made it. Names are unique within an instance's account only, so
/// rows are found by instance and Meta's id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateRow {
    /// Identity of the row.
    pub id: uuid::Uuid,
    /// Meta's id.
    pub template_id: GraphId,
    /// Its name.
    pub name: String,
    /// What Meta answered, with what was asked.
    pub template: Value,
    /// Who wants to hear of its status.
    pub webhook_url: Option<String>,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// When it last changed, RFC 3339.
    pub updated_at: String,
    /// Whose it is.
    pub instance_id: InstanceId,
}

impl Registry {
    /// Writes a template's row.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn put_template(&self, template: &TemplateRow) -> Result<(), Error> {
        self.client
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(template_key(
                template.instance_id,
                &template.template_id,
            )))
            .item("template", json(template)?)
            .send()
            .await
            .map_err(Error::storage)?;
        Ok(())
    }

    /// The template of an instance.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn template(
        &self,
        instance: InstanceId,
        id: &GraphId,
    ) -> Result<Option<TemplateRow>, Error> {
        let item = self.item(template_key(instance, id)).await?;
        let row = item.map(|item| Row(&item).json("template"));
        Ok(row.transpose()?)
    }

    /// All templates of an instance, in no order.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub async fn templates(&self, instance: InstanceId) -> Result<Vec<TemplateRow>, Error> {
        let query = self.partition(&partition_of(instance), Some("TEMPLATE#"));
        let items = super::pages::items(query).await?;
        let row = |item: &Item| Ok(Row(item).json("template")?);
        items.iter().map(row).collect()
    }

    /// Forgets a template of an instance.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn remove_template(&self, instance: InstanceId, id: &GraphId) -> Result<(), Error> {
        self.remove(template_key(instance, id)).await
    }
}

fn template_key(instance: InstanceId, id: &GraphId) -> Item {
    key(partition_of(instance), &format!("TEMPLATE#{id}"))
}
