//! Media: bytes with a content type, kept per instance, with links that expire.

mod key;
pub mod local;
mod objects;
#[cfg(feature = "aws")]
pub mod s3;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use pombal_domain::InstanceId;
use pombal_domain::time::UnixMs;
use url::Url;

pub use key::{MAX_NAME_BYTES, MediaKey};

/// Longest content type in bytes.
pub const MAX_CONTENT_TYPE_BYTES: usize = 200;
/// Longest life of a link: seven days, as long as S3 signs.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html>
pub const MAX_LINK: Duration = Duration::from_secs(7 * 24 * 3600);

/// Media failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It can't be kept or linked to like this.
    #[error("media refused: {0}")]
    Invalid(&'static str),
    /// What is kept can't be read.
    #[error("media object is damaged")]
    Damaged,
    /// The storage below failed.
    #[error("media storage failed")]
    Storage(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A medium that is kept.
pub struct Stored {
    /// What the bytes are.
    pub content_type: String,
    /// How many bytes there are.
    pub size_bytes: u64,
    /// The bytes.
    pub body: BoxStream<'static, Result<Bytes, Error>>,
}

/// Where media are kept.
#[async_trait]
pub trait Media: Send + Sync + 'static {
    /// Keeps `body`. Returns when it is durable. What was there before is replaced.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a content type that is empty, longer than
    /// [`MAX_CONTENT_TYPE_BYTES`] or not printable ASCII; [`Error::Storage`].
    async fn put(&self, key: &MediaKey, content_type: &str, body: Bytes) -> Result<(), Error>;

    /// What is kept under `key`, if anything is.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    async fn get(&self, key: &MediaKey) -> Result<Option<Stored>, Error>;

    /// An address that anybody can `GET` for so long from now on. Not every adapter looks
    /// whether there is something under `key`.
    ///
    /// # Errors
    /// [`Error::Invalid`] beyond [`MAX_LINK`] or below a second; [`Error::Storage`].
    async fn link(&self, key: &MediaKey, valid: Duration) -> Result<Url, Error>;

    /// Removes what is kept under `key`. Nothing there is no error.
    ///
    /// # Errors
    /// [`Error::Storage`].
    async fn delete(&self, key: &MediaKey) -> Result<(), Error>;

    /// Removes everything of an instance; how many media that were.
    ///
    /// # Errors
    /// [`Error::Storage`]; some may be removed then.
    async fn delete_all(&self, instance: InstanceId) -> Result<usize, Error> {
        self.delete_older(instance, UnixMs(u64::MAX)).await
    }

    /// Removes what was put for an instance before `before`, give or take a second; how many
    /// media that were.
    ///
    /// # Errors
    /// [`Error::Storage`]; some may be removed then.
    async fn delete_older(&self, instance: InstanceId, before: UnixMs) -> Result<usize, Error>;

    /// The instances that have media, in no order. What else lies around is left out.
    ///
    /// # Errors
    /// [`Error::Storage`].
    async fn instances(&self) -> Result<Vec<InstanceId>, Error>;
}

impl Error {
    fn storage(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Storage(source.into())
    }
}

fn check_content_type(content_type: &str) -> Result<(), Error> {
    let printable = content_type.bytes().all(|b| matches!(b, b' '..=b'~'));
    if content_type.is_empty() || content_type.len() > MAX_CONTENT_TYPE_BYTES || !printable {
        return Err(Error::Invalid("content type"));
    }
    Ok(())
}

fn check_link(valid: Duration) -> Result<(), Error> {
    if valid > MAX_LINK || valid < Duration::from_secs(1) {
        return Err(Error::Invalid("a link lasts from one second to seven days"));
    }
    Ok(())
}
