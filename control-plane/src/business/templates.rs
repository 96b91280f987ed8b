//! Message templates: Meta keeps them per account; who wants to hear of them is kept here.
//!
//! <https://developers.facebook.com/docs/graph-api/reference/whats-app-business-account/message_templates>

use http::Method;
use pombal_domain::time::UnixMs;
use pombal_domain::{GraphId, Instance};
use pombal_store::registry::TemplateRow;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::inbound::{list, text};
use super::{BusinessError, Cloud};
use crate::business::graph::GraphError;

/// Most templates that one request to Meta returns.
const PAGE: &str = "100";
/// Most pages that are read: an account has 6,000 templates at most.
/// <https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates>
const MOST_PAGES: usize = 60;

/// A template to make.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTemplate {
    /// Its name.
    pub name: String,
    /// What Meta gets, the name in it.
    pub body: Map<String, Value>,
    /// Who wants to hear of its status.
    pub webhook_url: Option<String>,
}

impl Cloud {
    /// Makes a template, and keeps what Meta answered.
    ///
    /// # Errors
    /// [`BusinessError`].
    pub async fn create_template(
        &self,
        row: &Instance,
        account: &GraphId,
        new: NewTemplate,
    ) -> Result<TemplateRow, BusinessError> {
        let token = self.token(row).await?;
        let url = self.0.graph.templates(account, &[]);
        let asked = Value::Object(new.body.clone());
        let answer = self.0.graph.post_once(url, &token, &asked).await?;
        let id = id_of(&answer).ok_or(GraphError::Unreadable { status: 200 })?;
        let mut template = new.body;
        if let Value::Object(answer) = answer {
            template.extend(answer);
        }
        let now = UnixMs::now().iso8601();
        let made = TemplateRow {
            id: Uuid::new_v4(),
            template_id: id,
            name: new.name,
            template: Value::Object(template),
            webhook_url: new.webhook_url,
            created_at: now.clone(),
            updated_at: now,
            instance_id: row.id,
        };
        self.0.registry.put_template(&made).await?;
        Ok(made)
    }

    /// All templates of the account, as Meta shows them.
    ///
    /// # Errors
    /// [`BusinessError`].
    pub async fn find_templates(
        &self,
        row: &Instance,
        account: &GraphId,
    ) -> Result<Vec<Value>, BusinessError> {
        let token = self.token(row).await?;
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut query = vec![("limit", PAGE)];
            query.extend(after.as_deref().map(|after| ("after", after)));
            let url = self.0.graph.templates(account, &query);
            let page = self.0.graph.again(Method::GET, url, &token).await?;
            found.extend(list(&page, "data").cloned());
            let paging = page.get("paging");
            let has_next = paging.is_some_and(|paging| paging.get("next").is_some());
            let cursor = paging
                .and_then(|paging| paging.get("cursors"))
                .and_then(|cursors| text(cursors, "after"));
            match cursor {
                Some(cursor) if has_next => after = Some(cursor.to_owned()),
                _ => break,
            }
        }
        Ok(found)
    }

    /// Changes a template. Meta takes category and components of it.
    ///
    /// # Errors
    /// [`BusinessError`]; [`BusinessError::NoTemplate`] when it is not one of the account's.
    pub async fn edit_template(
        &self,
        row: &Instance,
        account: &GraphId,
        id: &GraphId,
        change: Map<String, Value>,
        webhook_url: Option<String>,
    ) -> Result<Value, BusinessError> {
        let token = self.token(row).await?;
        let known = self.known_template(row, account, id).await?;
        let asked = Value::Object(change.clone());
        let url = self.0.graph.object(id);
        let answer = self.0.graph.post_once(url, &token, &asked).await?;
        if let Some(mut template) = known {
            if let Some(shown) = template.template.as_object_mut() {
                shown.extend(change);
            }
            template.webhook_url = webhook_url.or(template.webhook_url);
            template.updated_at = UnixMs::now().iso8601();
            self.0.registry.put_template(&template).await?;
        }
        Ok(answer)
    }

    /// Deletes a template by its name, in all languages, or in one by its id.
    ///
    /// # Errors
    /// [`BusinessError`].
    pub async fn delete_template(
        &self,
        row: &Instance,
        account: &GraphId,
        name: &str,
        id: Option<&GraphId>,
    ) -> Result<Value, BusinessError> {
        let token = self.token(row).await?;
        let mut query = vec![("name", name)];
        query.extend(id.map(|id| ("hsm_id", id.as_str())));
        let url = self.0.graph.templates(account, &query);
        let answer = self.0.graph.again(Method::DELETE, url, &token).await?;
        for template in self.0.registry.templates(row.id).await? {
            let is_meant = id.is_none_or(|id| template.template_id == *id);
            if template.name == name && is_meant {
                let id = &template.template_id;
                self.0.registry.remove_template(row.id, id).await?;
            }
        }
        Ok(answer)
    }

    /// The row of a template, if the instance has made it. Otherwise it must be one of the
    /// instance's own account: the id alone would lead to any that the token may change.
    async fn known_template(
        &self,
        row: &Instance,
        account: &GraphId,
        id: &GraphId,
    ) -> Result<Option<TemplateRow>, BusinessError> {
        if let Some(known) = self.0.registry.template(row.id, id).await? {
            return Ok(Some(known));
        }
        let all = self.find_templates(row, account).await?;
        if all
            .iter()
            .any(|template| id_of(template).as_ref() == Some(id))
        {
            return Ok(None);
        }
        Err(BusinessError::NoTemplate)
    }
}

fn id_of(template: &Value) -> Option<GraphId> {
    text(template, "id")?.parse().ok()
}
