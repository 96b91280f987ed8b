//! The data directory. One process at a time.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The registry's file.
pub(crate) const REGISTRY: &str = "registry.db";
/// The file of the master key.
pub(crate) const MASTER_KEY: &str = "master.key";
/// The directory that is the object store of sessions.
pub(crate) const SESSIONS: &str = "sessions";
/// Where shards are in that object store.
pub(crate) const SESSIONS_ROOT: &str = "shards";

/// The directory can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("another process uses the data directory {}: stop it first", .0.display())]
    InUse(PathBuf),
    #[error("there is no data directory {}", .0.display())]
    Missing(PathBuf),
    #[error("the data directory {} can't be used", .0.display())]
    Io(PathBuf, #[source] io::Error),
}

/// The data directory, locked for this process. The lock ends with the process, however it
/// ends.
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the directory if it is missing, for its owner only, and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let fail = |error| Error::Io(path.to_owned(), error);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(fail)?;
        let lock = File::create(path.join("lock")).map_err(fail)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(fail(error)),
        }
    }

    /// Locks a directory that is there already.
    pub(crate) fn open_existing(path: &Path) -> Result<Self, Error> {
        if !path.join(REGISTRY).is_file() {
            return Err(Error::Missing(path.to_owned()));
        }
        Self::open(path)
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A file or directory in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processes_do_not_share_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let first = DataDir::open(&path).unwrap();
        assert!(matches!(DataDir::open(&path), Err(Error::InUse(_))));
        drop(first);
        assert!(DataDir::open(&path).is_ok());
        let other = dir.path().join("other");
        assert!(matches!(
            DataDir::open_existing(&other),
            Err(Error::Missing(_))
        ));
        assert!(!other.exists());
    }
}
