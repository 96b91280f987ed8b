//! The bodies of the template routes.

use pombal_domain::GraphId;
use pombal_store::Egress;
use serde_json::{Map, Value};

use crate::api::error::ApiError;
use crate::api::fields::Fields;
use crate::api::message::webhook_url;
use crate::business::NewTemplate;

/// Longest name in characters that Meta takes.
const MAX_NAME_CHARS: usize = 512;
/// Meta's categories: <https://developers.facebook.com/docs/whatsapp/updates-to-pricing/new-template-guidelines>.
const CATEGORIES: [&str; 3] = ["AUTHENTICATION", "MARKETING", "UTILITY"];

/// A change of a template.
pub(super) struct Edit {
    pub(super) id: GraphId,
    pub(super) change: Map<String, Value>,
    pub(super) webhook_url: Option<String>,
}

/// A template to make: what the contract requires, and nothing that it does not know.
pub(super) fn create(body: &Map<String, Value>, egress: &Egress) -> Result<NewTemplate, ApiError> {
    let mut fields = Fields::root(body);
    let name = fields.string("name", MAX_NAME_CHARS);
    category(&mut fields);
    fields.string("language", MAX_NAME_CHARS);
    components(&mut fields);
    flag(&mut fields, "allowCategoryChange");
    let webhook_url = webhook_url(&mut fields, egress);
    for required in ["name", "category", "language", "components"] {
        fields.require(required);
    }
    fields.finish()?;
    let mut template = Map::new();
    for (theirs, ours) in [
        ("name", "name"),
        ("category", "category"),
        ("language", "language"),
        ("components", "components"),
        ("allow_category_change", "allowCategoryChange"),
    ] {
        if let Some(value) = body.get(ours) {
            template.insert(theirs.to_owned(), value.clone());
        }
    }
    Ok(NewTemplate {
        name: name.unwrap_or_default(),
        body: template,
        webhook_url,
    })
}

/// What Meta lets change: category and components, and how long a message may take.
pub(super) fn edit(body: &Map<String, Value>, egress: &Egress) -> Result<Edit, ApiError> {
    let mut fields = Fields::root(body);
    let id = id(&mut fields, "templateId");
    category(&mut fields);
    components(&mut fields);
    flag(&mut fields, "allowCategoryChange");
    if fields.get("ttl").is_some_and(|ttl| !ttl.is_i64()) {
        fields.wrong_type("ttl", "integer");
    }
    let webhook_url = webhook_url(&mut fields, egress);
    fields.require("templateId");
    fields.finish()?;
    let mut change = Map::new();
    for (theirs, ours) in [
        ("category", "category"),
        ("components", "components"),
        ("allow_category_change", "allowCategoryChange"),
        ("message_send_ttl_seconds", "ttl"),
    ] {
        if let Some(value) = body.get(ours) {
            change.insert(theirs.to_owned(), value.clone());
        }
    }
    let id = id.ok_or_else(|| ApiError::bad_request("templateId is required"))?;
    Ok(Edit {
        id,
        change,
        webhook_url,
    })
}

/// The name of the template, and its id if only one language is meant.
pub(super) fn delete(body: &Map<String, Value>) -> Result<(String, Option<GraphId>), ApiError> {
    let mut fields = Fields::root(body);
    let name = fields.string("name", MAX_NAME_CHARS);
    let hsm = id(&mut fields, "hsmId");
    fields.require("name");
    fields.finish()?;
    let name = name.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| ApiError::schema(vec!["The \"name\" cannot be empty".into()]))?;
    Ok((name, hsm))
}

fn category(fields: &mut Fields<'_>) {
    let wanted = fields.string("category", MAX_NAME_CHARS);
    if wanted.is_some_and(|wanted| !CATEGORIES.contains(&wanted.as_str())) {
        let known = CATEGORIES.join(",");
        fields.violate(format!("category is not one of enum values: {known}"));
    }
}

fn components(fields: &mut Fields<'_>) {
    if fields.get("components").is_some_and(|it| !it.is_array()) {
        fields.wrong_type("components", "array");
    }
}

fn flag(fields: &mut Fields<'_>, name: &str) {
    fields.bool(name);
}

fn id(fields: &mut Fields<'_>, name: &str) -> Option<GraphId> {
    let text = match fields.get(name)? {
        Value::Number(number) => number.to_string(),
        _ => fields.string(name, MAX_NAME_CHARS)?,
    };
    let id = text.parse().ok();
    if id.is_none() {
        fields.violate(format!("{name} is not an id"));
    }
    id
}
