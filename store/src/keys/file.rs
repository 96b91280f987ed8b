//! The embedded adapter: a master key in a file that only its owner may read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use pombal_domain::InstanceId;
use ring::hmac;
use zeroize::Zeroizing;

use super::{DATA_KEY_BYTES, DataKey, Error, Keys};

/// First byte of a wrapped key: how the rest is to be read. The data key alone, sealed.
const KEY: u8 = 1;
/// The data key and a row key of its own, sealed together.
const KEY_AND_ROW_KEY: u8 = 2;

/// Wraps data keys with AES-256-GCM under the key in a file.
#[derive(Debug, Clone)]
pub struct FileKeys {
    master: DataKey,
}

impl FileKeys {
    /// Opens the master key file, 32 raw bytes; makes one with mode 0600 if there is none.
    /// An existing file is never written to. Blocks on the disk for a moment.
    ///
    /// # Errors
    /// [`Error::BadFile`] for a file of another length, or one that its group or others may
    /// read or write; [`Error::File`]; [`Error::Random`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let failed = |source| Error::File {
            path: path.to_owned(),
            source,
        };
        match load(path) {
            Err(Error::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let key = DataKey::random().map_err(|_| Error::Random)?;
                create(path, &key).map_err(failed)?;
                // Read back: another process may have been first.
                load(path)
            }
            loaded => loaded,
        }
    }

    /// A key for something else, of which nothing about the master key can be learnt. The same
    /// for the same purpose.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; DATA_KEY_BYTES]> {
        let master = hmac::Key::new(hmac::HMAC_SHA256, self.master.expose());
        let tag = hmac::sign(&master, purpose.as_bytes());
        let mut key = Zeroizing::new([0; DATA_KEY_BYTES]);
        key.copy_from_slice(tag.as_ref());
        key
    }
}

fn load(path: &Path) -> Result<FileKeys, Error> {
    let failed = |source| Error::File {
        path: path.to_owned(),
        source,
    };
    let refuse = |problem| {
        Err(Error::BadFile {
            path: path.to_owned(),
            problem,
        })
    };
    let mut file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return refuse("is not a regular file");
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return refuse("is open to group or others: make it mode 0600");
    }
    if metadata.len() != DATA_KEY_BYTES as u64 {
        return refuse("does not hold exactly 32 bytes");
    }
    let mut bytes = Zeroizing::new([0; DATA_KEY_BYTES]);
    file.read_exact(bytes.as_mut_slice()).map_err(failed)?;
    Ok(FileKeys {
        master: DataKey::from_bytes(*bytes),
    })
}

/// Writes the key beside `path` and links it there: a link, unlike a rename, fails when
/// something is already in its place.
fn create(path: &Path, key: &DataKey) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let draft = draft_path(path);
    let written = write_draft(&draft, key).and_then(|()| match fs::hard_link(&draft, path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let removed = fs::remove_file(&draft);
    written.and(removed)?;
    File::open(directory)?.sync_all()
}

fn write_draft(draft: &Path, key: &DataKey) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(draft)?;
    file.write_all(key.expose())?;
    file.sync_all()
}

fn draft_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", uuid::Uuid::new_v4().simple()));
    path.with_file_name(name)
}

#[async_trait]
impl Keys for FileKeys {
    async fn wrap(&self, instance: InstanceId, key: &DataKey) -> Result<Vec<u8>, Error> {
        let mut bare = Zeroizing::new(Vec::with_capacity(2 * DATA_KEY_BYTES));
        bare.extend_from_slice(key.expose());
        bare.extend(key.row_key().into_iter().flatten());
        let format = if key.row_key().is_some() {
            KEY_AND_ROW_KEY
        } else {
            KEY
        };
        let sealed = self
            .master
            .seal(instance.as_uuid().as_bytes(), &bare)
            .map_err(|_| Error::Random)?;
        let mut wrapped = vec![format];
        wrapped.extend(sealed);
        Ok(wrapped)
    }

    async fn unwrap(&self, instance: InstanceId, wrapped: &[u8]) -> Result<DataKey, Error> {
        let refused = || Error::Unwrap(super::OpenError);
        let (format, sealed) = wrapped.split_first().ok_or_else(refused)?;
        let bytes = self
            .master
            .open(instance.as_uuid().as_bytes(), sealed)
            .map(Zeroizing::new)
            .map_err(Error::Unwrap)?;
        let (key, row_key) = bytes
            .split_first_chunk::<DATA_KEY_BYTES>()
            .ok_or_else(refused)?;
        let key = DataKey::from_bytes(*key);
        match *format {
            KEY if row_key.is_empty() => Ok(key),
            KEY_AND_ROW_KEY => {
                let row_key = row_key.try_into().map_err(|_| refused())?;
                Ok(key.with_row_key(row_key))
            }
            _ => Err(refused()),
        }
    }
}

#[cfg(test)]
mod tests;
