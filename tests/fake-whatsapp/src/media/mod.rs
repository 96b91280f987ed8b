//! The media host: where clients and phones leave encrypted files for each other.
//!
//! A host of its own, as WhatsApp's: clients learn its name by a `media_conn` request
//! (`wacore/src/iq/mediaconn.rs`), upload under an auth token and the hash of the encrypted
//! bytes (`whatsapp-rust/src/upload.rs`), and download by a signed path
//! (`wacore/src/download.rs`).

pub(crate) mod auth;
pub(crate) mod blobs;
mod download;
pub(crate) mod http;
pub(crate) mod kind;
pub(crate) mod tls;
mod upload;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::keys::Key32;
use auth::Signer;
use blobs::{Blobs, Found};
use kind::Kind;

/// The media host's state. It has locks of its own: files never wait for the world.
pub(crate) struct MediaHost {
    signer: Signer,
    /// Raised to make all auth tokens that were handed out invalid.
    epoch: AtomicU64,
    pub(crate) blobs: Blobs,
    pub(crate) partial: upload::Partials,
    addr: OnceLock<SocketAddr>,
}

/// A file that the host has.
pub(crate) struct Stored {
    /// What messages carry: a path with a signature.
    pub(crate) direct_path: String,
    /// The same with scheme and host.
    pub(crate) url: String,
}

/// Why a download is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The path is not one of this host's, or its signature is wrong or too old.
    Signature,
    /// There was never such a file.
    Unknown,
    /// The file was there, and is not any more.
    Gone,
}

impl MediaHost {
    /// A host that keeps its files in `dir`, or in memory.
    pub(crate) fn new(dir: Option<&Path>, secret: Key32, epoch: u64) -> Result<Self, Error> {
        Ok(Self {
            signer: Signer::new(secret),
            epoch: AtomicU64::new(epoch),
            blobs: Blobs::open(dir)?,
            partial: upload::Partials::default(),
            addr: OnceLock::new(),
        })
    }

    /// Tells the host where it is reached.
    pub(crate) fn bound(&self, addr: SocketAddr) {
        // Set once, at the start.
        let _ = self.addr.set(addr);
    }

    /// `host:port`, as `media_conn` gives it.
    pub(crate) fn host(&self) -> String {
        self.addr.get().map(ToString::to_string).unwrap_or_default()
    }

    /// A token that lets a companion of `phone` use the host for `ttl_secs` seconds.
    pub(crate) fn issue_auth(&self, phone: &str, ttl_secs: u64) -> String {
        self.signer.issue(phone, ttl_secs, self.epoch())
    }

    /// The account that a token was issued to. `None` when it is wrong or too old.
    pub(crate) fn check_auth(&self, token: &str) -> Option<String> {
        self.signer.check(token, self.epoch())
    }

    /// Makes all tokens invalid that were issued so far. Returns the new epoch.
    pub(crate) fn expire_auth(&self) -> u64 {
        self.epoch.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    /// Keeps a file. Its name is the hash of its bytes.
    pub(crate) fn store(&self, kind: Kind, bytes: &[u8]) -> Result<Stored, Error> {
        let name = name_of(bytes);
        self.blobs.put(kind.folder(), &name, bytes)?;
        Ok(self.stored(kind, &name))
    }

    /// Where a file of this name is found.
    pub(crate) fn stored(&self, kind: Kind, name: &str) -> Stored {
        let direct_path = self.signer.sign_path(kind, name);
        Stored {
            url: format!("https://{}{direct_path}", self.host()),
            direct_path,
        }
    }

    /// The bytes behind a signed path.
    pub(crate) fn fetch(&self, direct_path: &str) -> Result<(Kind, Vec<u8>), Refused> {
        let (kind, name) = self.signer.check_path(direct_path)?;
        match self.blobs.get(kind.folder(), &name) {
            Found::Bytes(bytes) => Ok((kind, bytes)),
            Found::Gone => Err(Refused::Gone),
            Found::Nothing => Err(Refused::Unknown),
        }
    }

    /// Removes the file behind a path, as WhatsApp does after some weeks.
    pub(crate) fn forget(&self, direct_path: &str) -> Result<(), Error> {
        let (kind, name) = self
            .signer
            .check_path(direct_path)
            .map_err(|_| Error::missing("no such media path"))?;
        self.blobs.forget(kind.folder(), &name)
    }
}

/// A file's name: the URL-safe base64 of the hash of its bytes, as clients put it in `token`.
pub(crate) fn name_of(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(dir: Option<&Path>) -> MediaHost {
        let host = MediaHost::new(dir, Key32([7; 32]), 0).expect("host");
        host.bound(SocketAddr::from(([127, 0, 0, 1], 9)));
        host
    }

    #[test]
    fn files_survive_and_are_found_by_their_signed_path() {
        let dir = tempfile::tempdir().expect("dir");
        let stored = host(Some(dir.path()))
            .store(Kind::Image, b"bytes")
            .expect("store");
        assert!(stored.url.starts_with("https://127.0.0.1:9/v/image/"));
        let again = host(Some(dir.path()));
        let (kind, bytes) = again.fetch(&stored.direct_path).expect("fetch");
        assert_eq!((kind, bytes.as_slice()), (Kind::Image, b"bytes".as_slice()));
        again.forget(&stored.direct_path).expect("forget");
        assert_eq!(again.fetch(&stored.direct_path), Err(Refused::Gone));
        let gone = host(Some(dir.path())).fetch(&stored.direct_path);
        assert_eq!(gone, Err(Refused::Gone));
    }

    #[test]
    fn other_paths_are_refused() {
        let host = host(None);
        let stored = host.store(Kind::Image, b"bytes").expect("store");
        let video = stored.direct_path.replace("/v/image/", "/v/video/");
        assert_eq!(host.fetch(&video), Err(Refused::Signature));
        assert_eq!(host.fetch("/v/image/../x"), Err(Refused::Signature));
        let unknown = host.stored(Kind::Image, &name_of(b"other"));
        assert_eq!(host.fetch(&unknown.direct_path), Err(Refused::Unknown));
    }
}
