//! What every object store can do for media.

use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::Error;

/// Removes an object. None there is no error.
pub(super) async fn delete(store: &dyn ObjectStore, at: &Path) -> Result<(), Error> {
    match store.delete(at).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(Error::storage(error)),
    }
}

/// Removes all objects below `folder`; how many they were.
pub(super) async fn delete_all(store: &dyn ObjectStore, folder: &Path) -> Result<usize, Error> {
    let found = store.list(Some(folder)).map_ok(|object| object.location);
    store
        .delete_stream(found.boxed())
        .map_ok(|_| 1)
        .try_fold(0, |sum, one| async move { Ok(sum + one) })
        .await
        .map_err(Error::storage)
}
