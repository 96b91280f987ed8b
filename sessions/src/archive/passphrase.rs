//! From a passphrase to keys: Argon2id (RFC 9106).

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::error::ArchiveError;
use super::header::Header;

pub(super) const SALT_BYTES: usize = 16;
pub(super) const CHECK_BYTES: usize = 16;
pub(super) const KEY_BYTES: usize = 32;

/// What seals a file. It never prints itself and is wiped from memory when dropped.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Wraps a passphrase.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Whether it is the same as `other`, which was typed a second time.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// How many characters it has.
    #[must_use]
    pub fn chars(&self) -> usize {
        self.0.chars().count()
    }

    /// Derives the keys of a file. Takes a fraction of a second and the memory that `kdf`
    /// says, on a thread for blocking work.
    pub(super) async fn derive(&self, kdf: Kdf) -> Result<FileKey, ArchiveError> {
        let passphrase = self.clone();
        tokio::task::spawn_blocking(move || kdf.derive(passphrase.0.as_bytes()))
            .await
            .map_err(|_| ArchiveError::Derive)?
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

/// How keys are derived: Argon2id's parameters and the salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kdf {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
    pub(super) salt: [u8; SALT_BYTES],
}

impl Kdf {
    /// Less would make guessing cheap; only a changed file asks for it.
    const MIN_MEMORY_KIB: u32 = 8 * 1024;
    /// A file of a stranger must not take the machine down.
    const MAX_MEMORY_KIB: u32 = 1024 * 1024;
    const MAX_PASSES: u32 = 64;
    const MAX_LANES: u32 = 16;

    /// The second recommended option of RFC 9106 § 4: 64 MiB, 3 passes, 4 lanes; a fresh
    /// salt.
    pub(super) fn recommended() -> Result<Self, ArchiveError> {
        let mut salt = [0; SALT_BYTES];
        SystemRandom::new()
            .fill(&mut salt)
            .map_err(|_| ArchiveError::Random)?;
        Ok(Self {
            memory_kib: 64 * 1024,
            passes: 3,
            lanes: 4,
            salt,
        })
    }

    /// Refuses parameters that no file of ours has.
    pub(super) fn checked(self) -> Result<Self, ArchiveError> {
        let fits = (Self::MIN_MEMORY_KIB..=Self::MAX_MEMORY_KIB).contains(&self.memory_kib)
            && (1..=Self::MAX_PASSES).contains(&self.passes)
            && (1..=Self::MAX_LANES).contains(&self.lanes);
        fits.then_some(self).ok_or(ArchiveError::Parameters)
    }

    fn derive(self, passphrase: &[u8]) -> Result<FileKey, ArchiveError> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, None)
            .map_err(|_| ArchiveError::Parameters)?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut out = Zeroizing::new([0; KEY_BYTES + CHECK_BYTES]);
        argon
            .hash_password_into(passphrase, &self.salt, out.as_mut_slice())
            .map_err(|_| ArchiveError::Derive)?;
        let mut key = FileKey {
            key: [0; KEY_BYTES],
            check: [0; CHECK_BYTES],
        };
        key.key.copy_from_slice(&out[..KEY_BYTES]);
        key.check.copy_from_slice(&out[KEY_BYTES..]);
        Ok(key)
    }
}

/// The keys of one file.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct FileKey {
    /// Seals the chunks.
    pub(super) key: [u8; KEY_BYTES],
    /// Stands in the header, and tells a wrong passphrase from a damaged file.
    pub(super) check: [u8; CHECK_BYTES],
}

impl FileKey {
    /// Whether this is the key that `header` was written with.
    pub(super) fn confirms(&self, header: &Header) -> bool {
        // Not secret: it stands in the file.
        self.check == *header.check()
    }
}
