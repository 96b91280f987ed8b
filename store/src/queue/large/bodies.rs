//! Bodies in a bucket, and pointers to them.

use std::path::Path as FilePath;
use std::sync::Arc;

use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::queue::Error;

/// How a pointer begins. A body that begins like it goes to the bucket whatever its size.
const POINTER: &str = "pombal-body:";

/// A bucket for bodies. A cheap clone.
#[derive(Debug, Clone)]
pub struct Bodies {
    bucket: Arc<dyn ObjectStore>,
    root: Arc<str>,
}

impl Bodies {
    /// Keeps bodies in `bucket`, below `root`.
    #[must_use]
    pub fn new(bucket: Arc<dyn ObjectStore>, root: &str) -> Self {
        let root = root.trim_matches('/').into();
        Self { bucket, root }
    }

    /// Keeps bodies in files of `directory`, which is made if it is new.
    ///
    /// # Errors
    /// [`Error::Storage`] when it can't be used.
    pub fn in_directory(directory: impl AsRef<FilePath>) -> Result<Self, Error> {
        let directory = directory.as_ref();
        std::fs::create_dir_all(directory).map_err(Error::storage)?;
        let files = LocalFileSystem::new_with_prefix(directory).map_err(Error::storage)?;
        Ok(Self::new(Arc::new(files.with_fsync(true)), "bodies"))
    }

    /// What to carry for `body`: itself, or a pointer if it is longer than `inline` bytes. It
    /// is durable then.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn shrink(&self, body: &str, inline: usize) -> Result<String, Error> {
        if body.len() <= inline && !body.starts_with(POINTER) {
            return Ok(body.to_owned());
        }
        // A new object each time: a body is never overwritten while somebody reads it.
        let at = Path::from(format!("{}/{}", self.root, uuid::Uuid::new_v4()));
        self.bucket
            .put(&at, body.to_owned().into())
            .await
            .map_err(Error::storage)?;
        Ok(format!("{POINTER}{at}"))
    }

    /// The body for which `carried` was carried.
    ///
    /// # Errors
    /// [`Error::Storage`], also when it is not in the bucket any more.
    pub async fn restore(&self, carried: &str) -> Result<String, Error> {
        let Some(at) = pointed(carried) else {
            return Ok(carried.to_owned());
        };
        let found = self.bucket.get(&at).await.map_err(Error::storage)?;
        let bytes = found.bytes().await.map_err(Error::storage)?;
        String::from_utf8(bytes.into()).map_err(Error::storage)
    }

    /// Removes what `carried` points to, if it points to anything.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn remove(&self, carried: &str) -> Result<(), Error> {
        let Some(at) = pointed(carried) else {
            return Ok(());
        };
        match self.bucket.delete(&at).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Error::storage(error)),
        }
    }
}

fn pointed(carried: &str) -> Option<Path> {
    carried.strip_prefix(POINTER).map(Path::from)
}
