//! `POST /message/sendList/{name}`.

use axum::extract::State;
use serde_json::{Map, Value, json};

use super::cloud::{Common, Sent, deliver, objects, only_business};
use crate::api::auth::Authorized;
use crate::api::body::Body;
use crate::api::error::ApiError;
use crate::api::fields::Fields;
use crate::api::state::ApiState;
use crate::business::{Draft, Shown, ShownList};

/// Longest text in characters: a message's body in the Cloud API.
const MAX_CHARS: usize = 4096;

pub(in crate::api) async fn send_list(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
    Body(body): Body,
) -> Result<Sent, ApiError> {
    only_business(&row, "sendList")?;
    let (common, draft) = parse(&body)?;
    deliver(&state, &row, common, draft).await
}

fn parse(body: &Map<String, Value>) -> Result<(Common, Draft), ApiError> {
    let mut fields = Fields::root(body);
    let common = Common::read(&mut fields, body);
    let [title, description, footer, button] = ["title", "description", "footerText", "buttonText"]
        .map(|name| fields.string(name, MAX_CHARS));
    let sections = objects(&mut fields, "sections", section);
    for required in ["title", "footerText", "buttonText", "sections"] {
        fields.require(required);
    }
    fields.finish()?;
    let [title, footer, button] = [title, footer, button].map(Option::unwrap_or_default);
    let text = description.as_ref().filter(|text| !text.is_empty());
    // Meta wants a body. Without a description the title is it, and not the header too.
    let mut sent = json!({
        "type": "list",
        "body": { "text": text.unwrap_or(&title) },
        "action": { "button": button, "sections": sections },
    });
    if text.is_some() {
        sent["header"] = json!({ "type": "text", "text": title });
    }
    if !footer.is_empty() {
        sent["footer"] = json!({ "text": footer });
    }
    let asked = body.get("sections").and_then(Value::as_array);
    let shown = ShownList {
        title,
        description,
        button_text: button,
        footer_text: footer,
        sections: asked.cloned().unwrap_or_default(),
    };
    let draft = Draft::new("interactive", sent, Shown::ListMessage(shown));
    Ok((common, draft))
}

fn section(fields: &mut Fields<'_>) -> Value {
    let title = fields.string("title", MAX_CHARS);
    let rows = objects(fields, "rows", row);
    fields.require("title");
    fields.require("rows");
    json!({ "title": title, "rows": rows })
}

fn row(fields: &mut Fields<'_>) -> Value {
    let title = fields.string("title", MAX_CHARS);
    let description = fields.string("description", MAX_CHARS);
    let id = fields.string("rowId", MAX_CHARS);
    fields.require("title");
    fields.require("rowId");
    let mut row = json!({ "id": id, "title": title });
    if let Some(description) = description.filter(|text| !text.is_empty()) {
        row["description"] = json!(description);
    }
    row
}
