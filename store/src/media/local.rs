//! The embedded adapter: files below a directory, and links that the API serves.
//!
//! A link is `<address of the API>/media/<instance>/<name>?expires=…&signature=…`: whoever
//! serves it asks [`LocalMedia::check_link`] first.

mod file;

use std::fmt;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutPayload};
use pombal_domain::InstanceId;
use pombal_domain::time::UnixMs;
use ring::hmac;
use url::Url;

use super::key::folder;
use super::{Error, Media, MediaKey, Stored, check_content_type, check_link, objects};

/// All files are in here, below the directory.
const ROOT: &str = "media";

/// Keeps media in a directory. A cheap clone.
#[derive(Clone)]
pub struct LocalMedia {
    files: Arc<LocalFileSystem>,
    /// The address of the API, with a slash at the end.
    base: Url,
    signing: hmac::Key,
}

/// A link opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It was made by somebody else, or changed.
    #[error("the link's signature is wrong")]
    Forged,
    /// Its time is over.
    #[error("the link has expired")]
    Expired,
}

/// The directory can't be used, or the address is none.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory.
    #[error("media directory {path}", path = .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The address.
    #[error("{0:?} is no address that links can begin with")]
    Address(String),
}

impl LocalMedia {
    /// Keeps media below `directory`, which is made if it is new. Links begin with
    /// `server_url`, the API's own address, and are signed with `key`: 32 secret bytes, which
    /// must stay the same for as long as links shall work.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(
        directory: impl AsRef<FilePath>,
        server_url: &str,
        key: &[u8; 32],
    ) -> Result<Self, OpenError> {
        let directory = directory.as_ref();
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| OpenError::Directory {
            path: directory.to_owned(),
            source,
        };
        std::fs::create_dir_all(directory).map_err(|error| failed(error.into()))?;
        let files = LocalFileSystem::new_with_prefix(directory)
            .map_err(|error| failed(error.into()))?
            .with_fsync(true)
            // An instance without media has no directory.
            .with_automatic_cleanup(true);
        let base = format!("{}/", server_url.trim_end_matches('/'));
        let base = Url::parse(&base)
            .ok()
            .filter(|base| !base.cannot_be_a_base())
            .ok_or_else(|| OpenError::Address(server_url.to_owned()))?;
        Ok(Self {
            files: Arc::new(files),
            base,
            signing: hmac::Key::new(hmac::HMAC_SHA256, key),
        })
    }

    /// Checks the two parameters of a link to `key`.
    ///
    /// # Errors
    /// [`LinkError`] when the link opens nothing.
    pub fn check_link(
        &self,
        key: &MediaKey,
        expires: u64,
        signature: &str,
    ) -> Result<(), LinkError> {
        let tag = hex::decode(signature).unwrap_or_default();
        hmac::verify(&self.signing, signed(key, expires).as_bytes(), &tag)
            .map_err(|_| LinkError::Forged)?;
        if UnixMs::now().seconds() >= expires {
            return Err(LinkError::Expired);
        }
        Ok(())
    }
}

impl fmt::Debug for LocalMedia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalMedia")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

/// What a link's signature is about.
fn signed(key: &MediaKey, expires: u64) -> String {
    format!("GET\n{key}\n{expires}")
}

#[async_trait]
impl Media for LocalMedia {
    async fn put(&self, key: &MediaKey, content_type: &str, body: Bytes) -> Result<(), Error> {
        check_content_type(content_type)?;
        let header = file::header(content_type);
        let payload = PutPayload::from_iter([header, body]);
        self.files
            .put(&key.path(ROOT), payload)
            .await
            .map_err(Error::storage)?;
        Ok(())
    }

    async fn get(&self, key: &MediaKey) -> Result<Option<Stored>, Error> {
        let at = key.path(ROOT);
        let header = match self.files.get_range(&at, 0..file::HEADER_BYTES).await {
            Ok(header) => header,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(Error::storage(error)),
        };
        let content_type = file::content_type(&header).ok_or(Error::Damaged)?;
        let size = self.files.head(&at).await.map_err(Error::storage)?.size;
        let size_bytes = size.saturating_sub(file::HEADER_BYTES);
        let body = if size_bytes == 0 {
            futures::stream::empty().boxed()
        } else {
            // An offset at the end of the file would be no range.
            let rest = GetOptions {
                range: Some(GetRange::Offset(file::HEADER_BYTES)),
                ..GetOptions::default()
            };
            let found = self.files.get_opts(&at, rest).await;
            let found = found.map_err(Error::storage)?;
            found.into_stream().map_err(Error::storage).boxed()
        };
        Ok(Some(Stored {
            content_type,
            size_bytes,
            body,
        }))
    }

    async fn link(&self, key: &MediaKey, valid: Duration) -> Result<Url, Error> {
        check_link(valid)?;
        let expires = UnixMs::now().plus(valid).seconds();
        let tag = hmac::sign(&self.signing, signed(key, expires).as_bytes());
        let path = format!("media/{key}");
        let mut link = self.base.join(&path).map_err(Error::storage)?;
        link.query_pairs_mut()
            .append_pair("expires", &expires.to_string())
            .append_pair("signature", &hex::encode(tag));
        Ok(link)
    }

    async fn delete(&self, key: &MediaKey) -> Result<(), Error> {
        objects::delete(&*self.files, &key.path(ROOT)).await
    }

    async fn delete_older(&self, instance: InstanceId, before: UnixMs) -> Result<usize, Error> {
        objects::delete_older(&*self.files, &folder(ROOT, instance), before).await
    }

    async fn instances(&self) -> Result<Vec<InstanceId>, Error> {
        objects::instances(&*self.files, ROOT).await
    }
}
