//! Files by folder and name: in a directory, or in memory.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Error;

const DIR_NAME: &str = "media";
/// An empty file that says that a file was there.
const GONE: &str = "gone";

/// What is there under a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The file.
    Bytes(Vec<u8>),
    /// It was there once.
    Gone,
    /// It was never there.
    Nothing,
}

/// Files in memory; none marks one that is gone.
type Memory = HashMap<(String, String), Option<Vec<u8>>>;

/// The files.
pub(crate) enum Blobs {
    /// In this directory. A file appears whole or not at all.
    Dir(PathBuf),
    /// Until the process ends.
    Memory(Mutex<Memory>),
}

impl Blobs {
    /// Files in a folder of `dir`, or in memory.
    pub(crate) fn open(dir: Option<&Path>) -> Result<Self, Error> {
        let Some(dir) = dir else {
            return Ok(Self::Memory(Mutex::default()));
        };
        let dir = dir.join(DIR_NAME);
        std::fs::create_dir_all(&dir)?;
        Ok(Self::Dir(dir))
    }

    /// Keeps a file. Folder and name must be fit for a path: letters, digits, `-` and `_`.
    pub(crate) fn put(&self, folder: &str, name: &str, bytes: &[u8]) -> Result<(), Error> {
        match self {
            Self::Memory(files) => {
                lock(files).insert(key(folder, name), Some(bytes.to_vec()));
                Ok(())
            }
            Self::Dir(dir) => {
                let path = checked(dir, folder, name)?;
                write_whole(&path, bytes)?;
                remove(&path.with_extension(GONE))
            }
        }
    }

    /// Reads a file.
    pub(crate) fn get(&self, folder: &str, name: &str) -> Found {
        match self {
            Self::Memory(files) => match lock(files).get(&key(folder, name)) {
                Some(Some(bytes)) => Found::Bytes(bytes.clone()),
                Some(None) => Found::Gone,
                None => Found::Nothing,
            },
            Self::Dir(dir) => {
                let Ok(path) = checked(dir, folder, name) else {
                    return Found::Nothing;
                };
                match std::fs::read(&path) {
                    Ok(bytes) => Found::Bytes(bytes),
                    Err(_) if path.with_extension(GONE).exists() => Found::Gone,
                    Err(_) => Found::Nothing,
                }
            }
        }
    }

    /// Removes a file, and remembers that it was there.
    pub(crate) fn forget(&self, folder: &str, name: &str) -> Result<(), Error> {
        match self {
            Self::Memory(files) => {
                lock(files).insert(key(folder, name), None);
                Ok(())
            }
            Self::Dir(dir) => {
                let path = checked(dir, folder, name)?;
                write_whole(&path.with_extension(GONE), b"")?;
                remove(&path)
            }
        }
    }
}

fn lock(files: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    files.lock().unwrap_or_else(PoisonError::into_inner)
}

fn key(folder: &str, name: &str) -> (String, String) {
    (folder.to_owned(), name.to_owned())
}

fn checked(dir: &Path, folder: &str, name: &str) -> Result<PathBuf, Error> {
    let fit = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if fit(folder) && fit(name) {
        Ok(dir.join(folder).join(name))
    } else {
        Err(Error::BadRequest("not a file name".to_owned()))
    }
}

/// Written under another name first, so that a kill leaves no half of a file.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let draft = path.with_extension(format!("{:016x}", rand::random::<u64>()));
    std::fs::write(&draft, bytes)?;
    Ok(std::fs::rename(&draft, path)?)
}

fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_file_comes_and_goes(blobs: &Blobs) {
        assert_eq!(blobs.get("image", "a"), Found::Nothing);
        blobs.put("image", "a", b"1").expect("put");
        assert_eq!(blobs.get("image", "a"), Found::Bytes(b"1".to_vec()));
        assert_eq!(blobs.get("video", "a"), Found::Nothing);
        blobs.forget("image", "a").expect("forget");
        assert_eq!(blobs.get("image", "a"), Found::Gone);
        blobs.put("image", "a", b"2").expect("put");
        assert_eq!(blobs.get("image", "a"), Found::Bytes(b"2".to_vec()));
    }

    #[test]
    fn in_memory_and_on_disk() {
        let dir = tempfile::tempdir().expect("dir");
        a_file_comes_and_goes(&Blobs::open(None).expect("memory"));
        let blobs = Blobs::open(Some(dir.path())).expect("dir");
        a_file_comes_and_goes(&blobs);
        assert!(blobs.put("..", "a", b"").is_err());
        assert!(blobs.put("image", "../a", b"").is_err());
    }
}
