//! What clients see when the Cloud API was asked.

use axum::http::StatusCode;
use serde_json::json;

use super::ApiError;
use crate::business::BusinessError;
use crate::business::graph::GraphError;

/// The contract's text for what the Cloud API can't do.
const NOT_AVAILABLE: &str = "Method not available on WhatsApp Business API";

impl ApiError {
    /// 400: the Cloud API has nothing of the kind.
    pub fn not_on_business() -> Self {
        Self::bad_request(NOT_AVAILABLE)
    }

    /// 400: not there yet for instances that are linked devices.
    pub fn not_yet(what: &str) -> Self {
        Self::bad_request(format!(
            "{what} is not available for WHATSAPP-BAILEYS instances yet"
        ))
    }

    /// 403: no webhook of this kind may be verified here.
    pub fn forbidden(text: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, json!([text]))
    }

    /// 403: another instance has the number.
    pub fn number_taken() -> Self {
        Self::forbidden("This number is already in use.")
    }
}

impl From<GraphError> for ApiError {
    /// What Meta says goes to the client as Meta says it. The original answers 201 with it.
    fn from(error: GraphError) -> Self {
        match error {
            GraphError::Refused { error, .. } => Self::new(StatusCode::BAD_REQUEST, json!([error])),
            GraphError::NoAnswer(_) => {
                let text = "The Graph API did not answer: it may have done what was asked";
                let mut refusal = Self::new(StatusCode::GATEWAY_TIMEOUT, json!([text]));
                refusal.source = Some(error.into());
                refusal
            }
            error => {
                let text = "The Graph API can't be reached";
                let mut refusal = Self::new(StatusCode::BAD_GATEWAY, json!([text]));
                refusal.source = Some(error.into());
                refusal
            }
        }
    }
}

impl From<BusinessError> for ApiError {
    fn from(error: BusinessError) -> Self {
        match error {
            BusinessError::Graph(error) => error.into(),
            BusinessError::NoTemplate => Self::not_found("Template not found"),
            error => Self::internal(error),
        }
    }
}
