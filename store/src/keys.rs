//! Envelope encryption: a data key per instance, wrapped by a master key.

mod data_key;
pub mod file;
#[cfg(feature = "aws")]
pub mod kms;

pub use data_key::{DATA_KEY_BYTES, DataKey, OpenError};

use std::path::PathBuf;

use async_trait::async_trait;
use pombal_domain::InstanceId;

/// Keys failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The wrapped key was not made by this master key for this instance.
    #[error("the wrapped data key does not open")]
    Unwrap(#[source] OpenError),
    /// The system's random source failed.
    #[error("no random bytes")]
    Random,
    /// The master key file is not one that can be trusted.
    #[error("master key file {path}: {problem}", path = .path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The master key file can't be read or made.
    #[error("master key file {path}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The key service failed.
    #[error("key service failed")]
    Service(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Makes and unwraps data keys. The instance's id is bound to the wrapped key, so that the
/// wrapped key of one instance is worthless on the row of another.
#[async_trait]
pub trait Keys: Send + Sync + 'static {
    /// A fresh data key, and the same key wrapped, to be stored on the instance's row.
    ///
    /// # Errors
    /// [`Error::Random`] or [`Error::Service`].
    async fn generate(&self, instance: InstanceId) -> Result<(DataKey, Vec<u8>), Error> {
        let key = DataKey::random().map_err(|_| Error::Random)?;
        let wrapped = self.wrap(instance, &key).await?;
        Ok((key, wrapped))
    }

    /// Wraps a fresh data key, its own row key included, to be stored on the instance's row.
    ///
    /// # Errors
    /// [`Error::Random`] or [`Error::Service`].
    async fn wrap(&self, instance: InstanceId, key: &DataKey) -> Result<Vec<u8>, Error>;

    /// Opens what [`Self::wrap`] wrapped for the same instance.
    ///
    /// # Errors
    /// [`Error::Unwrap`] for another instance, another master key or changed bytes;
    /// [`Error::Service`].
    async fn unwrap(&self, instance: InstanceId, wrapped: &[u8]) -> Result<DataKey, Error>;
}
