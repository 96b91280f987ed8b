//! Errors as the Graph API writes them.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// What the fake writes for `fbtrace_id`.
const TRACE: &str = "AfakeTraceOfTheGraph01";

/// An error of the Graph API.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphError {
    status: u16,
    error: Value,
}

/// A body as JSON, or what Meta says when it is none.
pub(crate) fn json_of(body: &str) -> Result<Value, GraphError> {
    serde_json::from_str(body).map_err(|_| GraphError::parameter("body is no JSON"))
}

impl GraphError {
    /// An error with this status, code and text.
    #[must_use]
    pub fn new(status: u16, code: i64, text: &str) -> Self {
        let kind = if code == 190 || code == 100 || code >= 130_000 {
            "OAuthException"
        } else {
            "GraphMethodException"
        };
        Self {
            status,
            error: json!({
                "message": format!("(#{code}) {text}"),
                "type": kind,
                "code": code,
                "fbtrace_id": TRACE,
            }),
        }
    }

    /// With the subcode, and the texts for people, that template errors carry.
    #[must_use]
    pub fn for_people(mut self, subcode: i64, title: &str, text: &str) -> Self {
        self.error["error_subcode"] = json!(subcode);
        self.error["error_user_title"] = json!(title);
        self.error["error_user_msg"] = json!(text);
        self
    }

    /// With `error_data`, as errors of messages have it.
    #[must_use]
    pub fn details(mut self, details: &str) -> Self {
        self.error["error_data"] = json!({
            "messaging_product": "whatsapp", "details": details,
        });
        self
    }

    /// Code 100: a parameter is wrong.
    pub(crate) fn parameter(details: &str) -> Self {
        Self::new(400, 100, "Invalid parameter").details(details)
    }

    /// Code 190: the token is not one that Meta has given out.
    pub(crate) fn token() -> Self {
        let mut error = Self::new(401, 190, "");
        error.error["message"] = json!("Invalid OAuth access token - Cannot parse access token");
        error
    }

    /// Code 100, subcode 33: no such object, or the token may not see it.
    pub(crate) fn object(id: &str) -> Self {
        let text = format!(
            "Unsupported request. Object with ID '{id}' does not exist, cannot be loaded due to \
             missing permissions, or does not support this operation"
        );
        let mut error = Self::new(400, 100, &text);
        error.error["error_subcode"] = json!(33);
        error
    }

    /// Code 130429: too many messages.
    #[must_use]
    pub fn rate_limit() -> Self {
        Self::new(429, 130_429, "Rate limit hit")
            .details("Message failed to send because there were too many messages sent")
    }

    /// Code 131000: something went wrong at Meta.
    #[must_use]
    pub fn broken() -> Self {
        Self::new(500, 131_000, "Something went wrong")
    }

    /// The error object.
    #[must_use]
    pub fn object_shown(&self) -> Value {
        self.error.clone()
    }
}

impl IntoResponse for GraphError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap();
        (status, Json(json!({ "error": self.error }))).into_response()
    }
}
