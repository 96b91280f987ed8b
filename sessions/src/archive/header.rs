//! The header of an archive: 62 bytes, big-endian.

use tokio::io::{AsyncRead, AsyncReadExt};

use super::error::ArchiveError;
use super::passphrase::{CHECK_BYTES, Kdf, SALT_BYTES};

/// First bytes of every archive. The line end shows a transfer that changed line ends.
const MAGIC: [u8; 16] = *b"pombal session\r\n";
/// The newest format that this program knows, and the one it writes.
const VERSION: u16 = 1;

/// The header, as it stands in the file. All of it is associated data of every chunk.
pub(super) struct Header {
    bytes: [u8; Self::BYTES],
    kdf: Kdf,
    check: [u8; CHECK_BYTES],
}

impl Header {
    pub(super) const BYTES: usize = 16 + 2 + 3 * 4 + SALT_BYTES + CHECK_BYTES;

    /// The header of a new file.
    pub(super) fn new(kdf: Kdf, check: [u8; CHECK_BYTES]) -> Self {
        let parts: [&[u8]; 7] = [
            &MAGIC,
            &VERSION.to_be_bytes(),
            &kdf.memory_kib.to_be_bytes(),
            &kdf.passes.to_be_bytes(),
            &kdf.lanes.to_be_bytes(),
            &kdf.salt,
            &check,
        ];
        let mut bytes = [0; Self::BYTES];
        bytes.copy_from_slice(&parts.concat());
        Self { bytes, kdf, check }
    }

    /// Reads a header and checks everything that needs no passphrase.
    pub(super) async fn read(reader: &mut (impl AsyncRead + Unpin)) -> Result<Self, ArchiveError> {
        let mut bytes = Vec::with_capacity(Self::BYTES);
        reader
            .take(Self::BYTES as u64)
            .read_to_end(&mut bytes)
            .await?;
        if !bytes.starts_with(&MAGIC) {
            return Err(ArchiveError::NotAnArchive);
        }
        if let Some(version) = bytes.get(MAGIC.len()..MAGIC.len() + 2) {
            match u16::from_be_bytes([version[0], version[1]]) {
                0 => return Err(ArchiveError::NotAnArchive),
                VERSION => {}
                version => {
                    return Err(ArchiveError::TooNew {
                        version,
                        newest: VERSION,
                    });
                }
            }
        }
        let bytes: [u8; Self::BYTES] = bytes.try_into().map_err(|_| ArchiveError::Damaged)?;
        let mut rest = &bytes[MAGIC.len() + 2..];
        let mut number = || u32::from_be_bytes(take(&mut rest));
        let (memory_kib, passes, lanes) = (number(), number(), number());
        let kdf = Kdf {
            memory_kib,
            passes,
            lanes,
            salt: take(&mut rest),
        };
        Ok(Self {
            bytes,
            kdf: kdf.checked()?,
            check: take(&mut rest),
        })
    }

    pub(super) fn bytes(&self) -> &[u8; Self::BYTES] {
        &self.bytes
    }

    pub(super) fn kdf(&self) -> Kdf {
        self.kdf
    }

    pub(super) fn check(&self) -> &[u8; CHECK_BYTES] {
        &self.check
    }
}

/// The next `N` bytes of a header, whose length is known to be right.
fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    let (head, tail) = rest.split_at(N);
    bytes.copy_from_slice(head);
    *rest = tail;
    bytes
}
