//! The error of the template routes, which has a shape of its own (contract § 0.1).

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use pombal_domain::Chain;
use pombal_domain::time::UnixMs;
use serde_json::{Value, json};

use crate::api::error::ApiError;
use crate::business::BusinessError;
use crate::business::graph::GraphError;

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    Creation,
    Find,
    Edit,
    Delete,
}

impl Context {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Creation => "template_creation",
            Self::Find => "template_find",
            Self::Edit => "template_edit",
            Self::Delete => "template_delete",
        }
    }
}

/// An error of a template route.
#[derive(Debug)]
pub(in crate::api) enum Refusal {
    /// In the usual envelope: keys, names, and what breaks the schema.
    Usual(ApiError),
    /// In the shape of these routes.
    Graph(Value),
}

impl Refusal {
    /// With this text and no details of Meta's.
    pub(super) fn text(text: &str, context: Context) -> Self {
        Self::Graph(body(text, &Value::Null, context))
    }

    /// What Meta has said, or not.
    pub(super) fn of(error: BusinessError, context: Context) -> Self {
        match error {
            BusinessError::Graph(GraphError::Refused { error, .. }) => {
                let text = error.get("error_user_msg").or_else(|| error.get("message"));
                let text = text.and_then(Value::as_str).unwrap_or("Unknown error");
                Self::Graph(body(text, &error, context))
            }
            BusinessError::Graph(error) => {
                tracing::warn!(error = %Chain(&error), "templates: the Graph API was no help");
                Self::text(&error.to_string(), context)
            }
            BusinessError::NoTemplate => Self::text("Template not found", context),
            error => Self::Usual(error.into()),
        }
    }
}

fn body(text: &str, error: &Value, context: Context) -> Value {
    let of = |name: &str| error.get(name).filter(|value| !value.is_null());
    json!({
        "status": 400,
        "error": "Bad Request",
        "message": text,
        "details": {
            "whatsapp_error": of("message").cloned().unwrap_or_else(|| json!(text)),
            "whatsapp_code": of("code").cloned().unwrap_or_else(|| json!("UNKNOWN_ERROR")),
            "error_user_title": of("error_user_title"),
            "error_user_msg": of("error_user_msg"),
            "error_type": of("type").cloned().unwrap_or_else(|| json!("UNKNOWN")),
            "error_subcode": of("error_subcode"),
            "fbtrace_id": of("fbtrace_id"),
            "context": context.as_str(),
            "type": "whatsapp_api_error",
        },
        "timestamp": UnixMs::now().iso8601(),
    })
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Usual(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Usual(error) => error.into_response(),
            Self::Graph(body) => (StatusCode::BAD_REQUEST, Json(body)).into_response(),
        }
    }
}
