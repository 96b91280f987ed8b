//! An instance's rows on their way from one shard's database to another's.
//!
//! ```text
//! sealed under the instance's data key, bound to instance and attempt:
//!   magic     16 bytes
//!   count     8 bytes, big-endian like all numbers
//!   rows      each: length of the key's tail (1), tail: what follows the instance id,
//!             whether it expires (1), when in Unix milliseconds (8),
//!             length of the value (4), value: sealed, as it is in the database
//! ```
//!
//! The rows are sealed one by one already. Sealing all of them together proves that none is
//! missing, and that they are of this attempt and no older one.

use bytes::Bytes;
use pombal_domain::{InstanceId, MoveId};
use pombal_store::keys::DataKey;

/// How the content begins. The number is the version of the layout.
const MAGIC: &[u8; 16] = b"pombal parcel 1\n";
/// Separates this use of the data key from every other.
const LABEL: &[u8] = b"pombal-sessions parcel";

/// One row, with its value as it is in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackedRow {
    /// What follows the instance id in its key.
    pub(crate) tail: Bytes,
    /// When it goes by itself, in Unix milliseconds.
    pub(crate) expires_at_ms: Option<i64>,
    /// Its value, sealed.
    pub(crate) value: Bytes,
}

/// Collects rows.
pub(crate) struct Packer {
    plain: Vec<u8>,
    count: u64,
}

impl Packer {
    pub(crate) fn new() -> Self {
        let plain = [MAGIC.as_slice(), &[0; 8]].concat();
        Self { plain, count: 0 }
    }

    /// Adds a row. False: it is larger than any row can be.
    #[must_use]
    pub(crate) fn add(&mut self, row: &PackedRow) -> bool {
        let (Ok(tail), Ok(value)) = (u8::try_from(row.tail.len()), u32::try_from(row.value.len()))
        else {
            return false;
        };
        let plain = &mut self.plain;
        plain.push(tail);
        plain.extend_from_slice(&row.tail);
        plain.push(u8::from(row.expires_at_ms.is_some()));
        plain.extend_from_slice(&row.expires_at_ms.unwrap_or_default().to_be_bytes());
        plain.extend_from_slice(&value.to_be_bytes());
        plain.extend_from_slice(&row.value);
        self.count += 1;
        true
    }

    /// All of them, sealed.
    ///
    /// # Errors
    /// When the system's random source fails.
    pub(crate) fn seal(
        mut self,
        key: &DataKey,
        instance: InstanceId,
        attempt: MoveId,
    ) -> Result<Vec<u8>, ring::error::Unspecified> {
        self.plain[MAGIC.len()..MAGIC.len() + 8].copy_from_slice(&self.count.to_be_bytes());
        key.seal(&place(instance, attempt), &self.plain)
    }
}

/// The rows of a parcel, or what is wrong with it.
pub(crate) fn unpack(
    sealed: &[u8],
    key: &DataKey,
    instance: InstanceId,
    attempt: MoveId,
) -> Result<Vec<PackedRow>, &'static str> {
    let plain = key
        .open(&place(instance, attempt), sealed)
        .map_err(|_| "it does not open under the instance's key, or is of another attempt")?;
    let plain = Bytes::from(plain);
    let mut rest = plain
        .strip_prefix(MAGIC.as_slice())
        .ok_or("its layout is unknown")?;
    let mut rows = Vec::new();
    let count = take::<8>(&mut rest).map(u64::from_be_bytes);
    let count = count.ok_or("it is too short")?;
    for _ in 0..count {
        rows.push(row(&plain, &mut rest).ok_or("a row is cut short")?);
    }
    if rest.is_empty() {
        Ok(rows)
    } else {
        Err("something follows its rows")
    }
}

fn row(whole: &Bytes, rest: &mut &[u8]) -> Option<PackedRow> {
    let [tail] = take::<1>(rest)?;
    let tail = slice(whole, rest, usize::from(tail))?;
    let [expires] = take::<1>(rest)?;
    let at_ms = i64::from_be_bytes(take::<8>(rest)?);
    let expires_at_ms = match expires {
        0 => None,
        1 => Some(at_ms),
        _ => return None,
    };
    let length = u32::from_be_bytes(take::<4>(rest)?);
    Some(PackedRow {
        tail,
        expires_at_ms,
        value: slice(whole, rest, usize::try_from(length).ok()?)?,
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(*taken)
}

fn slice(whole: &Bytes, rest: &mut &[u8], length: usize) -> Option<Bytes> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(whole.slice_ref(taken))
}

fn place(instance: InstanceId, attempt: MoveId) -> Vec<u8> {
    [
        LABEL,
        instance.as_uuid().as_bytes(),
        attempt.as_uuid().as_bytes(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> DataKey {
        DataKey::from_bytes([1; 32])
    }

    fn rows() -> Vec<PackedRow> {
        let row = |tail: &'static [u8], expires_at_ms, value: &'static [u8]| PackedRow {
            tail: Bytes::from_static(tail),
            expires_at_ms,
            value: Bytes::from_static(value),
        };
        vec![
            row(b"!", None, b"key check"),
            row(&[7; 33], Some(1_795_182_896_007), &[9; 70_000]),
            row(b"q", Some(-1), b""),
        ]
    }

    fn sealed(rows: &[PackedRow], instance: InstanceId, attempt: MoveId) -> Vec<u8> {
        let mut packer = Packer::new();
        for row in rows {
            assert!(packer.add(row));
        }
        packer.seal(&key(), instance, attempt).unwrap()
    }

    #[test]
    fn rows_come_out_as_they_went_in() {
        let (instance, attempt) = (InstanceId::random(), MoveId::random());
        for rows in [rows(), Vec::new()] {
            let parcel = sealed(&rows, instance, attempt);
            assert_eq!(unpack(&parcel, &key(), instance, attempt), Ok(rows));
        }
    }

    #[test]
    fn only_the_whole_parcel_of_this_attempt_opens() {
        let (instance, attempt) = (InstanceId::random(), MoveId::random());
        let parcel = sealed(&rows()[..1], instance, attempt);
        for cut in 0..parcel.len() {
            assert!(unpack(&parcel[..cut], &key(), instance, attempt).is_err());
        }
        for at in 0..parcel.len() {
            let mut damaged = parcel.clone();
            damaged[at] ^= 1;
            assert!(unpack(&damaged, &key(), instance, attempt).is_err());
        }
        assert!(unpack(&parcel, &key(), InstanceId::random(), attempt).is_err());
        assert!(unpack(&parcel, &key(), instance, MoveId::random()).is_err());
        let other = DataKey::from_bytes([2; 32]);
        assert!(unpack(&parcel, &other, instance, attempt).is_err());
    }

    #[test]
    fn a_parcel_of_another_version_is_not_read() {
        let (instance, attempt) = (InstanceId::random(), MoveId::random());
        let at = place(instance, attempt);
        let two = [b"pombal parcel 2\n".as_slice(), &[0; 8]].concat();
        let more = [MAGIC.as_slice(), &[0; 8], b"more"].concat();
        let less = [MAGIC.as_slice(), &1_u64.to_be_bytes(), &[3, 1]].concat();
        for plain in [two, more, less, MAGIC.to_vec()] {
            let parcel = key().seal(&at, &plain).unwrap();
            assert!(unpack(&parcel, &key(), instance, attempt).is_err());
        }
    }
}
