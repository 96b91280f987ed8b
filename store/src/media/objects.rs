//! What every object store can do for media.

use std::future::ready;

use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use pombal_domain::InstanceId;
use pombal_domain::time::UnixMs;

use super::Error;

/// Removes an object. None there is no error.
pub(super) async fn delete(store: &dyn ObjectStore, at: &Path) -> Result<(), Error> {
    match store.delete(at).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(Error::storage(error)),
    }
}

/// Removes the objects below `folder` that were put before `before`; how many they were.
pub(super) async fn delete_older(
    store: &dyn ObjectStore,
    folder: &Path,
    before: UnixMs,
) -> Result<usize, Error> {
    let is_old = move |object: &ObjectMeta| {
        u64::try_from(object.last_modified.timestamp_millis()).is_ok_and(|put| put < before.0)
    };
    let found = store
        .list(Some(folder))
        .try_filter(move |object| ready(is_old(object)))
        .map_ok(|object| object.location);
    store
        .delete_stream(found.boxed())
        .map_ok(|_| 1)
        .try_fold(0, |sum, one| async move { Ok(sum + one) })
        .await
        .map_err(Error::storage)
}

/// The instances that have a folder below `root`.
pub(super) async fn instances(
    store: &dyn ObjectStore,
    root: &str,
) -> Result<Vec<InstanceId>, Error> {
    let found = store
        .list_with_delimiter(Some(&Path::from(root)))
        .await
        .map_err(Error::storage)?;
    let folders = found.common_prefixes.iter();
    Ok(folders
        .filter_map(|folder| folder.filename()?.parse().ok())
        .collect())
}
