//! The error of the template routes, which has a shape of its own (contract § 0.1).

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use pombal_domain::Chain;
use pombal_domain::time::UnixMs;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::error::ApiError;
use crate::business::BusinessError;
use crate::business::graph::GraphError;

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = TemplateErrorContext)]
pub(super) enum Context {
    #[serde(rename = "template_creation")]
    Creation,
    #[serde(rename = "template_find")]
    Find,
    #[serde(rename = "template_edit")]
    Edit,
    #[serde(rename = "template_delete")]
    Delete,
}

/// What a template route refuses with.
#[derive(Debug)]
pub(in crate::api) enum Refusal {
    /// In the usual envelope: keys, names, and what breaks the schema.
    Usual(ApiError),
    /// In the shape of these routes.
    Graph(Box<TemplateError>),
}

impl Refusal {
    /// With this text and no details of Meta's.
    pub(super) fn text(text: &str, context: Context) -> Self {
        Self::Graph(Box::new(TemplateError::new(text, &Value::Null, context)))
    }

    /// What Meta has said, or not.
    pub(super) fn of(error: BusinessError, context: Context) -> Self {
        match error {
            BusinessError::Graph(GraphError::Refused { error, .. }) => {
                let text = error.get("error_user_msg").or_else(|| error.get("message"));
                let text = text.and_then(Value::as_str).unwrap_or("Unknown error");
                Self::Graph(Box::new(TemplateError::new(text, &error, context)))
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

/// The error of the template routes: what Meta has refused, or could not be asked.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct TemplateError {
    /// 400.
    status: u16,
    /// `Bad Request`.
    error: &'static str,
    /// What went wrong, as Meta tells it to people.
    message: String,
    details: TemplateErrorDetails,
    /// When it was, RFC 3339.
    timestamp: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct TemplateErrorDetails {
    /// What went wrong, as Meta tells it to programs.
    whatsapp_error: String,
    /// Meta's code, or `UNKNOWN_ERROR`.
    whatsapp_code: Value,
    error_user_title: Option<String>,
    error_user_msg: Option<String>,
    /// Meta's type, or `UNKNOWN`.
    error_type: String,
    error_subcode: Option<Value>,
    /// What Meta's support wants to know.
    fbtrace_id: Option<String>,
    context: Context,
    /// `whatsapp_api_error`.
    r#type: &'static str,
}

impl TemplateError {
    /// `error` is Meta's object; null if there is none.
    fn new(message: &str, error: &Value, context: Context) -> Self {
        let of = |name: &str| error.get(name).filter(|value| !value.is_null());
        let text = |name: &str| of(name).and_then(Value::as_str).map(str::to_owned);
        let details = TemplateErrorDetails {
            whatsapp_error: text("message").unwrap_or_else(|| message.to_owned()),
            whatsapp_code: of("code")
                .cloned()
                .unwrap_or_else(|| "UNKNOWN_ERROR".into()),
            error_user_title: text("error_user_title"),
            error_user_msg: text("error_user_msg"),
            error_type: text("type").unwrap_or_else(|| "UNKNOWN".to_owned()),
            error_subcode: of("error_subcode").cloned(),
            fbtrace_id: text("fbtrace_id"),
            context,
            r#type: "whatsapp_api_error",
        };
        Self {
            status: 400,
            error: "Bad Request",
            message: message.to_owned(),
            details,
            timestamp: UnixMs::now().iso8601(),
        }
    }
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
