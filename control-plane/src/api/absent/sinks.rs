//! Sinks that are not there (contract § 2.3): what is set is checked and forgotten, and nothing
//! is found.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::api::auth::Authorized;
use crate::api::body::Body;
use crate::api::error::ApiError;
use crate::api::fields::Fields;

/// The sinks, as paths and bodies name them.
pub(in crate::api) const SINKS: [&str; 4] = ["rabbitmq", "nats", "kafka", PUSHER];
/// It wants more than the others.
const PUSHER: &str = "pusher";

/// `POST /{sink}/set/{name}`: 201 without a body.
pub(in crate::api) async fn set_sink(
    sink: &'static str,
    _: Authorized,
    Body(body): Body,
) -> Result<StatusCode, ApiError> {
    check(sink, &body).map(|()| StatusCode::CREATED)
}

/// `GET /{sink}/find/{name}`: 200 without a body.
pub(in crate::api) async fn find_sink(_: Authorized) -> StatusCode {
    StatusCode::OK
}

fn check(sink: &'static str, body: &Map<String, Value>) -> Result<(), ApiError> {
    let mut outer = Fields::root(body);
    let Some(nested) = outer.object(sink) else {
        // The original requires it of one sink only.
        if sink == PUSHER {
            outer.require(sink);
        }
        return outer.finish();
    };
    let mut fields = Fields::nested(nested, sink);
    fields.bool("enabled");
    let texts: &[&str] = if sink == PUSHER {
        &["appId", "key", "secret", "cluster"]
    } else {
        &[]
    };
    for name in texts {
        fields.string(name, usize::MAX - 1);
    }
    if sink == PUSHER {
        fields.bool("useTLS");
    }
    if nested.contains_key("events") {
        fields.events("events");
    }
    fields.require("enabled");
    for name in texts {
        fields.require(name);
    }
    if sink == PUSHER {
        fields.require("useTLS");
    }
    fields.finish()
}
