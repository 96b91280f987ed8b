//! Instance tokens: kept sealed under the instance's data key, found by their hash.

use pombal_domain::{Instance, InstanceId};
use pombal_store::{DataKey, Keys, keys};
use uuid::Uuid;

use crate::secret::Secret;

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
