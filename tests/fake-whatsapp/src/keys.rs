//! Key types that are stored and shown as base64.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wacore_libsignal::protocol::{KeyPair, PrivateKey, PublicKey};

use crate::error::Error;

/// A 32-byte key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key32(pub(crate) [u8; 32]);

impl Serialize for Key32 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Key32 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = b64::deserialize(deserializer)?;
        djb(&bytes).map_err(serde::de::Error::custom)
    }
}

/// Takes exactly 32 bytes.
pub(crate) fn djb(bytes: &[u8]) -> Result<Key32, Error> {
    bytes
        .try_into()
        .map(Key32)
        .map_err(|_| Error::Wire("a key is not 32 bytes"))
}

/// Public part of a signed prekey.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignedPreKey {
    pub(crate) id: u32,
    pub(crate) public: Key32,
    #[serde(with = "b64")]
    pub(crate) signature: Vec<u8>,
}

impl SignedPreKey {
    /// Whether `identity` signed the key, in the form in which Signal serialises it.
    pub(crate) fn is_signed_by(&self, identity: &Key32) -> bool {
        let keys = (
            PublicKey::from_djb_public_key_bytes(&identity.0),
            PublicKey::from_djb_public_key_bytes(&self.public.0),
        );
        match keys {
            (Ok(identity), Ok(key)) => identity.verify_signature(&key.serialize(), &self.signature),
            _ => false,
        }
    }
}

/// A key pair that can be stored.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct StoredPair {
    pub(crate) private: Key32,
    pub(crate) public: Key32,
}

impl StoredPair {
    /// Draws a new pair.
    pub(crate) fn generate() -> Self {
        let pair = KeyPair::generate(&mut rand::rng());
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key.public_key_bytes());
        Self {
            private: Key32(*pair.private_key.serialize()),
            public: Key32(public),
        }
    }

    /// The pair as libsignal wants it.
    pub(crate) fn pair(&self) -> Result<KeyPair, Error> {
        let private = PrivateKey::deserialize(&self.private.0).map_err(Error::curve)?;
        Ok(KeyPair::new(self.public_key()?, private))
    }

    /// The public key as libsignal wants it.
    pub(crate) fn public_key(&self) -> Result<PublicKey, Error> {
        PublicKey::from_djb_public_key_bytes(&self.public.0).map_err(Error::curve)
    }

    /// Signs `message`.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature = self
            .pair()?
            .calculate_signature(message, &mut rand::rng())
            .map_err(Error::curve)?;
        Ok(signature.to_vec())
    }
}

/// Serde helper: bytes as base64.
pub(crate) mod b64 {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64_STANDARD
            .decode(text)
            .map_err(serde::de::Error::custom)
    }
}
