//! Kinds of messages that are not there yet, and that the Cloud API never has.

use crate::api::auth::Authorized;
use crate::api::error::ApiError;

/// Refuses a message of the kind that `route` sends.
pub(in crate::api) async fn unsupported(
    route: &'static str,
    Authorized(row): Authorized,
) -> ApiError {
    match row.business {
        Some(_) => ApiError::not_on_business(),
        None => ApiError::not_yet(route),
    }
}
