//! Instance tokens: kept sealed under the instance's data key, found by their hash.

use axum::http::HeaderValue;
use pombal_domain::{Instance, InstanceId};
use pombal_store::{DataKey, Keys, keys};
use uuid::Uuid;

use super::error::ApiError;
use super::fields::Fields;
use super::state::ApiState;
use crate::secret::Secret;

/// Longest token in characters: the width of the original's column.
const MAX_CHARS: usize = 255;
/// Longest token of the Graph API in characters. Meta names no limit; today's have some 200.
const MAX_METAS_CHARS: usize = 2048;

/// A token can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system's random source failed.
    #[error("no randomness from the system")]
    Random,
    /// The data key does not unwrap.
    #[error("data key not available")]
    Keys(#[source] keys::Error),
    /// The sealed token is damaged, or of another instance.
    #[error("token does not open")]
    Open(#[source] keys::OpenError),
    /// The token is no text.
    #[error("token is not UTF-8")]
    Utf8(#[source] std::string::FromUtf8Error),
}

/// A fresh token: an upper-case UUID v4, as the original makes them.
pub(super) fn random() -> Secret {
    Secret::new(Uuid::new_v4().to_string().to_uppercase())
}

/// The field `token`, if it is there and not empty.
pub(super) fn read(fields: &mut Fields<'_>) -> Option<Secret> {
    read_up_to(fields, MAX_CHARS)
}

/// The same for a token that Meta has given.
pub(super) fn read_metas(fields: &mut Fields<'_>) -> Option<Secret> {
    read_up_to(fields, MAX_METAS_CHARS)
}

fn read_up_to(fields: &mut Fields<'_>, longest: usize) -> Option<Secret> {
    let text = fields.string("token", longest)?;
    if text.is_empty() {
        return None;
    }
    // It has to come back in a header, whose ends are trimmed on the way.
    if HeaderValue::from_bytes(text.as_bytes()).is_err() || text.trim() != text {
        fields.violate("token can't be sent as a header");
        return None;
    }
    Some(Secret::new(text))
}

/// Refuses the global key as a token. Tokens of other instances are the registry's to refuse.
pub(super) fn check_free(state: &ApiState, token: &Secret) -> Result<(), ApiError> {
    let is_global = state
        .options()
        .global_key
        .matches(token.expose().as_bytes());
    if is_global {
        return Err(ApiError::token_taken());
    }
    Ok(())
}

/// Seals the token of `instance`.
///
/// # Errors
/// [`Error::Random`].
pub fn seal(key: &DataKey, instance: InstanceId, token: &Secret) -> Result<Vec<u8>, Error> {
    key.seal(&associated(instance), token.expose().as_bytes())
        .map_err(|_| Error::Random)
}

/// Opens the token of `instance`.
///
/// # Errors
/// Every other one.
pub async fn open(keys: &dyn Keys, instance: &Instance) -> Result<Secret, Error> {
    let key = keys
        .unwrap(instance.id, &instance.data_key)
        .await
        .map_err(Error::Keys)?;
    let token = key
        .open(&associated(instance.id), &instance.token_sealed)
        .map_err(Error::Open)?;
    String::from_utf8(token)
        .map(Secret::new)
        .map_err(Error::Utf8)
}

/// Binds a sealed token to its instance.
fn associated(instance: InstanceId) -> Vec<u8> {
    format!("token:{instance}").into_bytes()
}
