//! The adapter for S3, with presigned links.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::aws::AmazonS3;
use object_store::signer::{Method, Signer};
use object_store::{Attribute, Attributes, ObjectStore, ObjectStoreExt, PutOptions};
use pombal_domain::InstanceId;
use pombal_domain::time::UnixMs;
use url::Url;

use super::key::folder;
use super::{Error, Media, MediaKey, Stored, check_content_type, check_link, objects};

/// What S3 says an object is when nobody told it.
const UNKNOWN: &str = "application/octet-stream";

/// Keeps media in a bucket.
#[derive(Debug, Clone)]
pub struct S3Media {
    bucket: Arc<AmazonS3>,
    root: String,
}

impl S3Media {
    /// Keeps media in `bucket`, below `root`.
    #[must_use]
    pub fn new(bucket: Arc<AmazonS3>, root: &str) -> Self {
        let root = root.to_owned();
        Self { bucket, root }
    }
}

#[async_trait]
impl Media for S3Media {
    async fn put(&self, key: &MediaKey, content_type: &str, body: Bytes) -> Result<(), Error> {
        check_content_type(content_type)?;
        let kind = (Attribute::ContentType, content_type.to_owned());
        let options = PutOptions::from(Attributes::from_iter([kind]));
        self.bucket
            .put_opts(&key.path(&self.root), body.into(), options)
            .await
            .map_err(Error::storage)?;
        Ok(())
    }

    async fn get(&self, key: &MediaKey) -> Result<Option<Stored>, Error> {
        let found = match self.bucket.get(&key.path(&self.root)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(Error::storage(error)),
        };
        let content_type = found.attributes.get(&Attribute::ContentType);
        Ok(Some(Stored {
            content_type: content_type
                .map_or(UNKNOWN, |kind| kind.as_ref())
                .to_owned(),
            size_bytes: found.meta.size,
            body: found.into_stream().map_err(Error::storage).boxed(),
        }))
    }

    async fn link(&self, key: &MediaKey, valid: Duration) -> Result<Url, Error> {
        check_link(valid)?;
        self.bucket
            .signed_url(Method::GET, &key.path(&self.root), valid)
            .await
            .map_err(Error::storage)
    }

    async fn delete(&self, key: &MediaKey) -> Result<(), Error> {
        objects::delete(&*self.bucket, &key.path(&self.root)).await
    }

    async fn delete_older(&self, instance: InstanceId, before: UnixMs) -> Result<usize, Error> {
        objects::delete_older(&*self.bucket, &folder(&self.root, instance), before).await
    }

    async fn instances(&self) -> Result<Vec<InstanceId>, Error> {
        objects::instances(&*self.bucket, &self.root).await
    }
}
