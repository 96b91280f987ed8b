//! `POST /message/sendTemplate/{name}`.

use axum::extract::State;
use pombal_store::Egress;
use serde_json::{Map, Value, json};

use super::cloud::{Common, Sent, deliver, webhook_url};
use crate::api::auth::Authorized;
use crate::api::body::Body;
use crate::api::error::ApiError;
use crate::api::fields::Fields;
use crate::api::state::ApiState;
use crate::business::Draft;

/// Longest name of a template, and of a language, in characters.
const MAX_CHARS: usize = 512;

pub(in crate::api) async fn send_template(
    State(state): State<ApiState>,
    Authorized(row): Authorized,
    Body(body): Body,
) -> Result<Sent, ApiError> {
    if row.business.is_none() {
        return Err(ApiError::bad_request(
            "Method not available in the Baileys service",
        ));
    }
    let (common, draft) = parse(&body, state.egress())?;
    deliver(&state, &row, common, draft).await
}

fn parse(body: &Map<String, Value>, egress: &Egress) -> Result<(Common, Draft), ApiError> {
    let mut fields = Fields::root(body);
    let common = Common::read(&mut fields, body);
    let name = fields.string("name", MAX_CHARS);
    // Some clients write it as Meta does.
    let language = match fields.get("language") {
        Some(Value::Object(language)) => language.get("code").cloned(),
        _ => fields.string("language", MAX_CHARS).map(Value::from),
    };
    let components = fields.get("components");
    if components.is_some_and(|components| !components.is_array()) {
        fields.wrong_type("components", "array");
    }
    let webhook_url = webhook_url(&mut fields, egress);
    fields.require("name");
    fields.require("language");
    fields.finish()?;
    let mut sent = json!({ "name": name, "language": { "code": language } });
    if let Some(components) = components {
        sent["components"] = components.clone();
    }
    let shown = json!({ "name": name, "language": language, "components": components });
    let draft = Draft {
        webhook_url,
        ..Draft::new("template", sent, "templateMessage", shown)
    };
    Ok((common, draft))
}
