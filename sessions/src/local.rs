//! A local directory as object store.

use std::path::Path;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;

use crate::error::Error;

/// Opens `dir` as an object store and creates it when absent.
///
/// Files and directories are fsynced: a finished write survives a power cut, not just
/// the end of the process.
///
/// # Errors
/// [`Error::Directory`] when the directory can't be created or opened.
pub fn local_store(dir: impl AsRef<Path>) -> Result<Arc<dyn ObjectStore>, Error> {
    let dir = dir.as_ref();
    std::fs::create_dir_all(dir).map_err(|source| Error::Directory {
        path: dir.to_owned(),
        source: Arc::new(source),
    })?;
    let store = LocalFileSystem::new_with_prefix(dir).map_err(|source| Error::Directory {
        path: dir.to_owned(),
        source: Arc::new(source),
    })?;
    Ok(Arc::new(store.with_fsync(true)))
}
