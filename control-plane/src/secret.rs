//! Text that must not show up in logs.

use std::fmt;

use ring::digest;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A key or token. It never prints itself and is wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret itself. Keep it out of logs and errors.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `candidate` is this secret, in a time that depends on neither's content.
    /// An empty secret matches nothing.
    #[must_use]
    pub fn matches(&self, candidate: &[u8]) -> bool {
        let same = sha256(self.0.as_bytes()).ct_eq(&sha256(candidate));
        !self.0.is_empty() && bool::from(same)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

fn sha256(bytes: &[u8]) -> [u8; digest::SHA256_OUTPUT_LEN] {
    let mut out = [0; digest::SHA256_OUTPUT_LEN];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// SHA-256 of a token in hexadecimal: what the registry knows of it.
#[must_use]
pub fn token_hash(token: &[u8]) -> String {
    hex::encode(sha256(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_and_hides() {
        let secret = Secret::new("key-1");
        assert!(secret.matches(b"key-1"));
        assert!(!secret.matches(b"key-2"));
        assert!(!secret.matches(b""));
        assert!(!Secret::new("").matches(b""));
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_eq!(
            token_hash(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
