//! The data key of one instance. AES-256-GCM with a random 96-bit nonce.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

/// Length of a data key in bytes.
pub const DATA_KEY_BYTES: usize = 32;

/// A 256-bit key that seals the secrets of one instance. It never prints itself.
///
/// A random nonce is safe for about 2^32 seals under one key (NIST SP 800-38D § 8.3).
///
/// An instance that came from another deployment has a new key here, but its rows keep the
/// keys that they were hashed to there: see [`Self::with_row_key`].
#[derive(Clone)]
pub struct DataKey {
    key: Zeroizing<[u8; DATA_KEY_BYTES]>,
    row_key: Option<Zeroizing<[u8; DATA_KEY_BYTES]>>,
}

/// The sealed bytes were not written under this key and this associated data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealed value does not open: wrong key, wrong place or damaged bytes")]
pub struct OpenError;

impl DataKey {
    /// A fresh random key.
    ///
    /// # Errors
    /// When the system's random source fails.
    pub fn random() -> Result<Self, ring::error::Unspecified> {
        let mut bytes = Zeroizing::new([0; DATA_KEY_BYTES]);
        SystemRandom::new().fill(bytes.as_mut_slice())?;
        Ok(Self {
            key: bytes,
            row_key: None,
        })
    }

    /// Wraps key bytes that came out of [`super::Keys`].
    #[must_use]
    pub fn from_bytes(bytes: [u8; DATA_KEY_BYTES]) -> Self {
        Self {
            key: Zeroizing::new(bytes),
            row_key: None,
        }
    }

    /// This key, with a row key that was not derived from it. It opens nothing; it only
    /// names rows.
    #[must_use]
    pub fn with_row_key(mut self, row_key: [u8; DATA_KEY_BYTES]) -> Self {
        self.row_key = Some(Zeroizing::new(row_key));
        self
    }

    /// The key that row keys are hashed under, unless it is derived from this one.
    #[must_use]
    pub fn row_key(&self) -> Option<&[u8; DATA_KEY_BYTES]> {
        self.row_key.as_deref()
    }

    /// The raw key, for wrapping it or deriving subkeys.
    #[must_use]
    pub fn expose(&self) -> &[u8; DATA_KEY_BYTES] {
        &self.key
    }

    /// Seals `plaintext`; `aad` is bound to it but not stored. Layout: nonce, ciphertext, tag.
    ///
    /// # Errors
    /// When the system's random source fails.
    pub fn seal(&self, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, ring::error::Unspecified> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce)?;
        let mut out = Vec::with_capacity(NONCE_LEN + plaintext.len() + AES_256_GCM.tag_len());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(plaintext);
        let tag = self.cipher()?.seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad),
            &mut out[NONCE_LEN..],
        )?;
        out.extend_from_slice(tag.as_ref());
        Ok(out)
    }

    /// Opens what [`Self::seal`] made with the same `aad`.
    ///
    /// # Errors
    /// [`OpenError`] for another key, another `aad` or changed bytes.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(OpenError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| OpenError)?;
        let mut body = body.to_vec();
        let plain_bytes = self
            .cipher()
            .map_err(|_| OpenError)?
            .open_in_place(nonce, Aad::from(aad), &mut body)
            .map_err(|_| OpenError)?
            .len();
        body.truncate(plain_bytes);
        Ok(body)
    }

    fn cipher(&self) -> Result<LessSafeKey, ring::error::Unspecified> {
        Ok(LessSafeKey::new(UnboundKey::new(
            &AES_256_GCM,
            self.key.as_slice(),
        )?))
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_with_the_same_key_and_associated_data() {
        let key = DataKey::random().unwrap();
        let sealed = key.seal(b"row", b"secret").unwrap();
        assert_eq!(key.open(b"row", &sealed).unwrap(), b"secret");
        assert_eq!(key.open(b"other", &sealed), Err(OpenError));
        assert_eq!(
            DataKey::random().unwrap().open(b"row", &sealed),
            Err(OpenError)
        );
        for cut in 0..sealed.len() {
            assert_eq!(key.open(b"row", &sealed[..cut]), Err(OpenError));
        }
        for i in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[i] ^= 1;
            assert_eq!(key.open(b"row", &damaged), Err(OpenError));
        }
        assert!(!format!("{key:?}").contains(&hex::encode(key.expose())));
    }
}
