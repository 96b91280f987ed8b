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
use crate::business::{Draft, Shown, ShownTemplate};

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
        Some(Value::Object(language)) => code(&mut fields, language),
        _ => fields.string("language", MAX_CHARS),
    };
    let components = fields.get("components").and_then(Value::as_array);
    if components.is_none() && fields.get("components").is_some() {
        fields.wrong_type("components", "array");
    }
    let webhook_url = webhook_url(&mut fields, egress);
    fields.require("name");
    fields.require("language");
    fields.finish()?;
    let mut sent = json!({ "name": name, "language": { "code": language } });
    if let Some(components) = components {
        sent["components"] = json!(components);
    }
    let shown = ShownTemplate {
        name: name.unwrap_or_default(),
        language: language.unwrap_or_default(),
        components: components.cloned(),
    };
    let draft = Draft {
        webhook_url,
        ..Draft::new("template", sent, Shown::TemplateMessage(shown))
    };
    Ok((common, draft))
}

/// The code of a language in an object of its own.
fn code(fields: &mut Fields<'_>, language: &Map<String, Value>) -> Option<String> {
    let mut inner = Fields::nested(language, "language");
    let code = inner.string("code", MAX_CHARS);
    inner.require("code");
    let violations = inner.into_violations();
    violations
        .into_iter()
        .for_each(|violation| fields.violate(violation));
    code
}
