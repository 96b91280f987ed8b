//! The errors that clients see, in the contract's envelope (§ 0.1).
//!
//! Layers below have their own enums. Here they become a status and a text for the client;
//! what stays inside goes to the log, once, when the response is made.

mod cloud;

use std::error::Error as StdError;
use std::time::Duration;

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use pombal_domain::{Chain, InstanceName};
use pombal_store::{keys, queue, registry};
use serde_json::{Value, json};

type Source = Box<dyn StdError + Send + Sync>;

/// An error answer. Made by constructors that are verbs of HTTP, or of the contract.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    reason: Option<&'static str>,
    message: Value,
    retry_after: Option<Duration>,
    source: Option<Source>,
}

impl ApiError {
    fn new(status: StatusCode, message: Value) -> Self {
        Self {
            status,
            reason: None,
            message,
            retry_after: None,
            source: None,
        }
    }

    /// 400 with one text.
    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, json!([text.into()]))
    }

    /// 400 for a body that breaks the schema: the texts in an array inside an array.
    pub fn schema(texts: Vec<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, json!([texts]))
    }

    /// 400 for a body that is no JSON. The reason phrase is the original's.
    pub fn malformed(text: impl Into<String>) -> Self {
        let mut error = Self::new(StatusCode::BAD_REQUEST, Value::String(text.into()));
        error.reason = Some("Internal Server Error");
        error
    }

    /// 400 for a recipient without `WhatsApp`.
    pub fn not_on_whatsapp(jid: &str, number: &str) -> Self {
        let message = json!([{ "jid": jid, "exists": false, "number": number }]);
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 400: the instance has no connection to work with.
    pub fn connection_closed() -> Self {
        Self::bad_request("Connection Closed")
    }

    /// 401. It says nothing about what exists.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, json!("Unauthorized"))
    }

    /// 403: another instance has the name.
    pub fn name_taken(name: &InstanceName) -> Self {
        let text = format!("This name \"{name}\" is already in use.");
        Self::new(StatusCode::FORBIDDEN, json!([text]))
    }

    /// 403: another instance has the token.
    pub fn token_taken() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            json!(["This token is already in use."]),
        )
    }

    /// 404 with one text.
    pub fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, json!([text.into()]))
    }

    /// 404: no instance has the name that stands in the path.
    pub fn no_instance(name: &str) -> Self {
        Self::not_found(format!("The \"{name}\" instance does not exist"))
    }

    /// 400: the instance's session lives in another deployment.
    pub fn moved(name: &InstanceName) -> Self {
        Self::bad_request(format!(
            "The \"{name}\" instance was moved to another deployment"
        ))
    }

    /// 409: somebody else was faster.
    pub fn conflict(text: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, json!([text.into()]))
    }

    /// 413: the body is larger than `limit` bytes.
    pub fn too_large(limit: usize) -> Self {
        let text = format!("request body is larger than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, json!([text]))
    }

    /// 429: the key was used too often. It may be used again after `wait`.
    pub fn too_many_requests(limit: u64, wait: Duration) -> Self {
        let text = format!("More than {limit} requests per minute with this key");
        let mut error = Self::new(StatusCode::TOO_MANY_REQUESTS, json!([text]));
        error.retry_after = Some(wait);
        error
    }

    /// 403: there are as many instances as there may be.
    pub fn too_many_instances(limit: usize) -> Self {
        let text = format!("There may be no more than {limit} instances");
        Self::new(StatusCode::FORBIDDEN, json!([text]))
    }

    /// 500. The client gets a fixed text, the log gets `source`.
    pub fn internal(source: impl Into<Source>) -> Self {
        let mut error = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            json!(["Internal server error"]),
        );
        error.source = Some(source.into());
        error
    }

    /// Logs the error for a caller that goes on in spite of it.
    pub(super) fn log(&self, what: &'static str) {
        let status = self.status.as_u16();
        match &self.source {
            Some(source) => tracing::warn!(error = %Chain(source.as_ref()), "{what}"),
            None => tracing::warn!(http.status = status, "{what}"),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Some(source) = &self.source {
            tracing::error!(error = %Chain(source.as_ref()), "request failed");
        }
        let reason = self
            .reason
            .or(self.status.canonical_reason())
            .unwrap_or("Error");
        let body = Envelope {
            status: self.status.as_u16(),
            error: reason,
            response: Message {
                message: self.message,
            },
        };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_millis().div_ceil(1000);
            if let Ok(seconds) = HeaderValue::try_from(seconds.to_string()) {
                response.headers_mut().insert(RETRY_AFTER, seconds);
            }
        }
        response
    }
}

#[derive(serde::Serialize)]
struct Envelope {
    status: u16,
    error: &'static str,
    response: Message,
}

#[derive(serde::Serialize)]
struct Message {
    message: Value,
}

impl From<registry::Error> for ApiError {
    fn from(error: registry::Error) -> Self {
        Self::internal(error)
    }
}

impl From<queue::Error> for ApiError {
    fn from(error: queue::Error) -> Self {
        Self::internal(error)
    }
}

impl From<keys::Error> for ApiError {
    fn from(error: keys::Error) -> Self {
        Self::internal(error)
    }
}

/// A row that is gone was deleted while the request ran.
pub(super) fn gone(error: registry::Error, name: &InstanceName) -> ApiError {
    match error {
        registry::Error::NotFound => ApiError::no_instance(name.as_str()),
        registry::Error::Moved => ApiError::moved(name),
        other => other.into(),
    }
}
