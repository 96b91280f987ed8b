//! Sealing chunks: ChaCha20-Poly1305 in the STREAM construction (Hoang, Reyhanitabar, Rogaway
//! and Vizár, <https://eprint.iacr.org/2015/189>).
//!
//! A nonce is the chunk's number in 11 bytes and a byte that marks the last chunk. Each file
//! has a key of its own, so no nonce comes twice under a key.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::error::ArchiveError;
use super::header::Header;
use super::passphrase::FileKey;

/// Plain bytes of a chunk that is not the last.
pub(super) const CHUNK_BYTES: usize = 64 * 1024;
/// What sealing adds to a chunk.
pub(super) const TAG_BYTES: usize = 16;
/// Bytes of a sealed chunk that is not the last.
pub(super) const SEALED_BYTES: usize = CHUNK_BYTES + TAG_BYTES;

/// Seals or opens the chunks of one file, in order.
pub(super) struct Stream {
    key: LessSafeKey,
    header: [u8; Header::BYTES],
    next: u64,
    ended: bool,
}

impl Stream {
    pub(super) fn new(header: &Header, key: &FileKey) -> Result<Self, ArchiveError> {
        let key =
            UnboundKey::new(&CHACHA20_POLY1305, &key.key).map_err(|_| ArchiveError::Derive)?;
        Ok(Self {
            key: LessSafeKey::new(key),
            header: *header.bytes(),
            next: 0,
            ended: false,
        })
    }

    /// Whether the last chunk has been sealed or opened.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Seals a chunk in place.
    pub(super) fn seal(&mut self, chunk: &mut Vec<u8>, last: bool) -> Result<(), ArchiveError> {
        let nonce = self.nonce(last);
        self.key
            .seal_in_place_append_tag(nonce, Aad::from(&self.header), chunk)
            .map_err(|_| ArchiveError::Content("too large"))
    }

    /// Opens a chunk in place. After an error the chunk is empty.
    pub(super) fn open(&mut self, chunk: &mut Vec<u8>, last: bool) -> Result<(), ArchiveError> {
        let nonce = self.nonce(last);
        let opened = self
            .key
            .open_in_place(nonce, Aad::from(&self.header), chunk)
            .map(|plain| plain.len());
        chunk.truncate(opened.unwrap_or(0));
        opened.map(|_| ()).map_err(|_| ArchiveError::Damaged)
    }

    fn nonce(&mut self, last: bool) -> Nonce {
        let mut bytes = [0; NONCE_LEN];
        bytes[3..11].copy_from_slice(&self.next.to_be_bytes());
        bytes[11] = u8::from(last);
        self.next += 1;
        self.ended = last;
        Nonce::assume_unique_for_key(bytes)
    }
}
