//! The global API key: given, or made once and kept.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use pombal_control_plane::{Secret, config};
use pombal_store::env::BadVariable;
use rand::Rng;

/// There is no usable key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the environment can't be used")]
    Variable(#[from] BadVariable),
    #[error("the key file {} can't be used", .0.display())]
    File(PathBuf, #[source] io::Error),
}

/// The key, and whether it was made just now.
pub(crate) struct ApiKey {
    pub(crate) key: Secret,
    pub(crate) fresh: bool,
}

/// The file that keeps a generated key.
pub(crate) fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("api.key")
}

/// The key from the environment, else the kept one, else a new one.
pub(crate) fn load_or_create(data_dir: &Path) -> Result<ApiKey, Error> {
    if let Some(key) = load(data_dir)? {
        return Ok(ApiKey { key, fresh: false });
    }
    let mut bytes = [0; 24];
    rand::rng().fill_bytes(&mut bytes);
    let key = hex::encode(bytes);
    let path = file(data_dir);
    write_new(&path, &key).map_err(|error| Error::File(path, error))?;
    Ok(ApiKey {
        key: Secret::new(key),
        fresh: true,
    })
}

/// The key from the environment, else the kept one.
pub(crate) fn load(data_dir: &Path) -> Result<Option<Secret>, Error> {
    if let Some(key) = config::api_key()? {
        return Ok(Some(key));
    }
    let path = file(data_dir);
    match fs::read_to_string(&path) {
        Ok(key) if key.trim().is_empty() => {
            let error = io::Error::new(io::ErrorKind::InvalidData, "the file is empty");
            Err(Error::File(path, error))
        }
        Ok(key) => Ok(Some(Secret::new(key.trim()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::File(path, error)),
    }
}

/// Writes the key for its owner only. The rename makes it all or nothing.
fn write_new(path: &Path, key: &str) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)?;
    file.write_all(key.as_bytes())?;
    file.sync_all()?;
    fs::rename(part, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept_for_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let first = load_or_create(dir.path()).unwrap();
        assert!(first.fresh && first.key.expose().len() >= 32);
        let second = load_or_create(dir.path()).unwrap();
        assert!(!second.fresh);
        assert!(second.key.matches(first.key.expose().as_bytes()));
        let mode = fs::metadata(file(dir.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
