//! The records inside an archive: a tag, a length and a body. Numbers are big-endian.

use pombal_store::keys::DATA_KEY_BYTES;
use zeroize::Zeroizing;

use super::card::Card;
use super::error::ArchiveError;
use crate::kind::Kind;

/// Tag and length.
pub(super) const HEAD_BYTES: usize = 5;
/// A longer record is no record of ours: an object store's row is far smaller.
const MAX_BODY_BYTES: usize = 256 * 1024 * 1024;

const CARD: u8 = 1;
const ROW_KEY: u8 = 2;
const ROW: u8 = 3;
const END: u8 = 4;

/// Something in an archive.
pub(crate) enum Record {
    /// Who the instance is. The first record.
    Card(Box<Card>),
    /// What row keys are hashed under. The second record.
    RowKey(Zeroizing<[u8; DATA_KEY_BYTES]>),
    /// A row.
    Row(RowRecord),
    /// The last record.
    End {
        /// How many rows there were.
        rows: u64,
    },
}

/// A row of the session database, with its value in the clear.
pub(crate) struct RowRecord {
    /// Its kind.
    pub(crate) kind: Kind,
    /// What follows the kind in its key: hashes.
    pub(crate) hashes: Vec<u8>,
    /// When it goes by itself, in Unix milliseconds.
    pub(crate) expires_at_ms: Option<i64>,
    /// Its value.
    pub(crate) value: Zeroizing<Vec<u8>>,
}

impl Record {
    pub(super) fn encode(&self) -> Result<Zeroizing<Vec<u8>>, ArchiveError> {
        let mut out = Zeroizing::new(vec![0; HEAD_BYTES]);
        out[0] = match self {
            Self::Card(card) => {
                serde_json::to_writer(&mut *out, card).map_err(ArchiveError::Card)?;
                CARD
            }
            Self::RowKey(key) => {
                out.extend_from_slice(key.as_slice());
                ROW_KEY
            }
            Self::Row(row) => {
                row.encode(&mut out)?;
                ROW
            }
            Self::End { rows } => {
                out.extend_from_slice(&rows.to_be_bytes());
                END
            }
        };
        let length = out.len() - HEAD_BYTES;
        if length > MAX_BODY_BYTES {
            return Err(ArchiveError::Content("a record is too long"));
        }
        let length = u32::try_from(length).map_err(|_| ArchiveError::Content("too long"))?;
        out[1..HEAD_BYTES].copy_from_slice(&length.to_be_bytes());
        Ok(out)
    }

    pub(super) fn decode(tag: u8, body: &[u8]) -> Result<Self, ArchiveError> {
        match tag {
            CARD => serde_json::from_slice(body)
                .map(|card| Self::Card(Box::new(card)))
                .map_err(ArchiveError::Card),
            ROW_KEY => {
                let key: [u8; DATA_KEY_BYTES] = body
                    .try_into()
                    .map_err(|_| ArchiveError::Content("a row key of another length"))?;
                Ok(Self::RowKey(Zeroizing::new(key)))
            }
            ROW => RowRecord::decode(body)
                .map(Self::Row)
                .ok_or(ArchiveError::Content("a row is not of this version")),
            END => {
                let rows = body
                    .try_into()
                    .map_err(|_| ArchiveError::Content("an end of another length"))?;
                Ok(Self::End {
                    rows: u64::from_be_bytes(rows),
                })
            }
            _ => Err(ArchiveError::Content("an unknown record")),
        }
    }
}

impl RowRecord {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ArchiveError> {
        let hashes = u8::try_from(self.hashes.len())
            .map_err(|_| ArchiveError::Content("a row's key is too long"))?;
        out.extend_from_slice(&[self.kind.tag(), hashes]);
        out.extend_from_slice(&self.hashes);
        out.push(u8::from(self.expires_at_ms.is_some()));
        out.extend_from_slice(&self.expires_at_ms.unwrap_or_default().to_be_bytes());
        out.extend_from_slice(&self.value);
        Ok(())
    }

    fn decode(body: &[u8]) -> Option<Self> {
        let (&[tag, hashes], rest) = body.split_first_chunk()?;
        let (hashes, rest) = rest.split_at_checked(usize::from(hashes))?;
        let (&[expires], rest) = rest.split_first_chunk()?;
        let (at_ms, value) = rest.split_first_chunk()?;
        Some(Self {
            kind: Kind::from_tag(tag)?,
            hashes: hashes.to_vec(),
            expires_at_ms: match expires {
                0 => None,
                1 => Some(i64::from_be_bytes(*at_ms)),
                _ => return None,
            },
            value: Zeroizing::new(value.to_vec()),
        })
    }
}

/// Tag and body length of the record that `bytes` begin.
pub(super) fn head(bytes: &[u8]) -> Result<(u8, usize), ArchiveError> {
    let (&[tag], length) = bytes
        .split_first_chunk()
        .ok_or(ArchiveError::Content("a record without a head"))?;
    let length: [u8; 4] = length
        .try_into()
        .map_err(|_| ArchiveError::Content("a record without a head"))?;
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_BODY_BYTES {
        return Err(ArchiveError::Content("a record is too long"));
    }
    Ok((tag, length))
}
