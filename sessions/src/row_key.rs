//! Row keys: `<instance id, 16 bytes> <kind tag, 1 byte> <hashed key, 0, 16 or 32 bytes>`.
//!
//! A Signal address is a phone number, so the last part is never the plain key: it is
//! HMAC-SHA256 under a subkey of the data key, truncated to 16 bytes (a collision among
//! 2^32 rows of one kind has a chance of 2^-65). Without the data key nobody can test a
//! guessed number. Where rows are read or deleted by group or by user, the key has two
//! hashed halves: group first, so that a prefix scan finds the whole group. The plain key
//! is inside the sealed value wherever the store must give it back.

use bytes::Bytes;
use pombal_domain::InstanceId;
use pombal_store::keys::{DATA_KEY_BYTES, DataKey};
use ring::hmac;
use zeroize::Zeroizing;

use crate::kind::Kind;

/// Length of one hashed half in bytes.
pub(crate) const HASH_BYTES: usize = 16;

/// Length of both halves.
const DOUBLE_HASH_BYTES: usize = 2 * HASH_BYTES;

/// Length of the instance id and kind tag in bytes.
pub(crate) const PREFIX_BYTES: usize = 17;

/// Separates the row-key subkey from every other use of the data key.
const LABEL: &[u8] = b"pombal-sessions row key v1";

/// Which half of a key a hash is for, so that halves never equal each other by accident.
#[derive(Clone, Copy)]
enum Half {
    Group = 1,
    Item = 2,
}

/// Full key of a row. Also the associated data of its sealed value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RowKey {
    pub(crate) kind: Kind,
    pub(crate) bytes: Bytes,
}

impl RowKey {
    /// The second hashed half of a grouped key.
    pub(crate) fn item_hash(&self) -> Option<&[u8]> {
        self.bytes.get(PREFIX_BYTES + HASH_BYTES..)
    }
}

/// Makes the row keys of one instance.
pub(crate) struct RowKeys {
    instance: InstanceId,
    subkey: hmac::Key,
}

impl RowKeys {
    pub(crate) fn new(instance: InstanceId, data_key: &DataKey) -> Self {
        let subkey = row_key(data_key);
        Self {
            instance,
            subkey: hmac::Key::new(hmac::HMAC_SHA256, subkey.as_slice()),
        }
    }

    /// The key of a row that was hashed before, from its kind and what follows it. `None`
    /// when no row has such a key.
    pub(crate) fn hashed(&self, kind: Kind, hashes: &[u8]) -> Option<RowKey> {
        if !matches!(hashes.len(), 0 | HASH_BYTES | DOUBLE_HASH_BYTES) {
            return None;
        }
        let bytes = [self.prefix(kind).as_ref(), hashes].concat().into();
        Some(RowKey { kind, bytes })
    }

    /// Key of the only row of its kind.
    pub(crate) fn only(&self, kind: Kind) -> RowKey {
        RowKey {
            kind,
            bytes: self.prefix(kind),
        }
    }

    /// Key of the row that `parts` name.
    pub(crate) fn of(&self, kind: Kind, parts: &[&[u8]]) -> RowKey {
        self.join(kind, &[&self.hash(kind, Half::Item, parts)])
    }

    /// Key of the row that `parts` name within the group that `group` names.
    pub(crate) fn grouped(&self, kind: Kind, group: &[u8], parts: &[&[u8]]) -> RowKey {
        let group = self.hash(kind, Half::Group, &[group]);
        self.join(kind, &[&group, &self.hash(kind, Half::Item, parts)])
    }

    /// Prefix of every row of the group.
    pub(crate) fn group_prefix(&self, kind: Kind, group: &[u8]) -> Bytes {
        self.join(kind, &[&self.hash(kind, Half::Group, &[group])])
            .bytes
    }

    /// The second half of a grouped key, to find an item in every group.
    pub(crate) fn item(&self, kind: Kind, parts: &[&[u8]]) -> [u8; HASH_BYTES] {
        self.hash(kind, Half::Item, parts)
    }

    /// Prefix of every row of the kind.
    pub(crate) fn prefix(&self, kind: Kind) -> Bytes {
        self.join(kind, &[]).bytes
    }

    /// Prefix of every row of the instance.
    pub(crate) fn instance_prefix(&self) -> Bytes {
        Bytes::copy_from_slice(self.instance.as_uuid().as_bytes())
    }

    fn join(&self, kind: Kind, hashes: &[&[u8; HASH_BYTES]]) -> RowKey {
        let mut bytes = Vec::with_capacity(PREFIX_BYTES + hashes.len() * HASH_BYTES);
        bytes.extend_from_slice(self.instance.as_uuid().as_bytes());
        bytes.push(kind.tag());
        for hash in hashes {
            bytes.extend_from_slice(*hash);
        }
        RowKey {
            kind,
            bytes: bytes.into(),
        }
    }

    fn hash(&self, kind: Kind, half: Half, parts: &[&[u8]]) -> [u8; HASH_BYTES] {
        let mut mac = hmac::Context::with_key(&self.subkey);
        mac.update(&[kind.tag(), half as u8]);
        for part in parts {
            // Lengths first, so that ("ab", "c") and ("a", "bc") differ.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        let tag = mac.sign();
        let mut hash = [0; HASH_BYTES];
        hash.copy_from_slice(&tag.as_ref()[..HASH_BYTES]);
        hash
    }
}

/// The key that an instance's row keys are hashed under: its own, or else one derived from
/// the data key. The data key can't be computed back from it.
pub(crate) fn row_key(data_key: &DataKey) -> Zeroizing<[u8; DATA_KEY_BYTES]> {
    if let Some(row_key) = data_key.row_key() {
        return Zeroizing::new(*row_key);
    }
    let root = hmac::Key::new(hmac::HMAC_SHA256, data_key.expose());
    let mut row_key = Zeroizing::new([0; DATA_KEY_BYTES]);
    row_key.copy_from_slice(hmac::sign(&root, LABEL).as_ref());
    row_key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_depends_on_every_part_and_on_the_data_key() {
        let instance = InstanceId::random();
        let keys = RowKeys::new(instance, &DataKey::from_bytes([1; 32]));
        let other = RowKeys::new(instance, &DataKey::from_bytes([2; 32]));
        let key = keys.of(Kind::Identity, &[b"ab", b"c"]);
        assert_eq!(key, keys.of(Kind::Identity, &[b"ab", b"c"]));
        assert_ne!(key, keys.of(Kind::Identity, &[b"a", b"bc"]));
        assert_ne!(key.bytes, keys.of(Kind::SenderKey, &[b"ab", b"c"]).bytes);
        assert_ne!(key, other.of(Kind::Identity, &[b"ab", b"c"]));
        assert_eq!(key.bytes.len(), PREFIX_BYTES + HASH_BYTES);
    }

    #[test]
    fn a_new_data_key_with_the_old_row_key_names_the_same_rows() {
        let instance = InstanceId::random();
        let old = DataKey::from_bytes([1; 32]);
        let new = DataKey::from_bytes([2; 32]).with_row_key(*row_key(&old));
        let (old, new) = (RowKeys::new(instance, &old), RowKeys::new(instance, &new));
        let row = old.grouped(Kind::SignalSession, b"user", &[b"user@lid"]);
        assert_eq!(
            row,
            new.grouped(Kind::SignalSession, b"user", &[b"user@lid"])
        );
        assert_eq!(
            new.hashed(Kind::SignalSession, &row.bytes[PREFIX_BYTES..]),
            Some(row)
        );
        assert_eq!(new.hashed(Kind::SignalSession, &[0; 15]), None);
    }

    #[test]
    fn a_group_prefix_covers_its_items() {
        let keys = RowKeys::new(InstanceId::random(), &DataKey::from_bytes([1; 32]));
        let row = keys.grouped(Kind::SenderKeyDevice, b"group", &[b"device"]);
        assert!(
            row.bytes
                .starts_with(&keys.group_prefix(Kind::SenderKeyDevice, b"group"))
        );
        let item = keys.item(Kind::SenderKeyDevice, &[b"device"]);
        assert_eq!(row.item_hash(), Some(item.as_slice()));
    }
}
