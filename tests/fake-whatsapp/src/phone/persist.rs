//! Keeping a phone's Signal state.

use std::str::FromStr as _;

use wacore_libsignal::protocol::{IdentityKey, SenderKeyRecord, SessionRecord};

use super::Phone;
use crate::error::Error;
use crate::keys::StoredPair;
use crate::store::{Bucket, Store};

/// Marks sessions as written by an orderly store, so that a reload does not skip counters
/// (`wacore-libsignal/src/protocol/state/session.rs`, `deserialize_for_store`).
const INCARNATION: [u8; 16] = *b"fake-whatsapp-01";

impl Phone {
    /// Writes what changed.
    pub(crate) fn save(&mut self, phone: &str, store: &mut Store) {
        for address in std::mem::take(&mut self.sessions.changed) {
            if let Some(record) = self.sessions.records.get(&address) {
                let mut bytes = Vec::new();
                record.serialize_into_for_store(&mut bytes, &INCARNATION);
                store.put_bytes(Bucket::Session, format!("{phone}/{address}"), &bytes);
            }
        }
        for address in std::mem::take(&mut self.identities.changed) {
            if let Some(key) = self.identities.peers.get(&address) {
                store.put_bytes(
                    Bucket::Identity,
                    format!("{phone}/{address}"),
                    &key.serialize(),
                );
            }
        }
        for name in std::mem::take(&mut self.sender_keys.changed) {
            let key = format!("{phone}/{name}");
            let record = self.sender_keys.records.get(&name);
            match record.map(|record| record.serialize_for_store(&INCARNATION)) {
                Some(Ok(bytes)) => store.put_bytes(Bucket::SenderKey, key, &bytes),
                Some(Err(error)) => tracing::error!(%error, "sender key not serialisable"),
                None => store.delete(Bucket::SenderKey, key),
            }
        }
        for id in std::mem::take(&mut self.one_time.added) {
            if let Some(pair) = self.one_time.waiting.get(&id) {
                store.put(Bucket::OneTime, format!("{phone}/{id}"), pair);
            }
        }
    }

    /// Writes that a one-time prekey is used up.
    pub(crate) fn save_consumed(&self, phone: &str, id: u32, store: &mut Store) {
        store.delete(Bucket::OneTime, format!("{phone}/{id}"));
        if let Some(base_key) = self.one_time.consumed.get(&id) {
            store.put(Bucket::Consumed, format!("{phone}/{id}"), base_key);
        }
    }

    /// Takes back one stored row.
    pub(crate) fn load(&mut self, bucket: Bucket, key: &str, value: &[u8]) -> Result<(), Error> {
        let corrupt = |what: &str| Error::Corrupt(format!("{what} {key}"));
        match bucket {
            Bucket::Session => {
                let record = SessionRecord::deserialize_for_store(value, &INCARNATION)?;
                self.sessions.records.insert(key.to_owned(), record);
            }
            Bucket::SenderKey => {
                let record = SenderKeyRecord::deserialize_for_store(value, &INCARNATION)?;
                self.sender_keys.records.insert(key.to_owned(), record);
            }
            Bucket::SenderKeyGiven => {
                let (group, device) = key.split_once('/').ok_or_else(|| corrupt("given key"))?;
                let device = device.parse().map_err(|()| corrupt("given key"))?;
                let given = self.sender_keys.given.entry(group.to_owned());
                given.or_default().insert(device);
            }
            Bucket::Identity => {
                self.identities
                    .peers
                    .insert(key.to_owned(), IdentityKey::decode(value)?);
            }
            Bucket::OneTime => {
                let id = u32::from_str(key).map_err(|_| corrupt("one-time prekey"))?;
                let pair: StoredPair =
                    serde_json::from_slice(value).map_err(|_| corrupt("one-time prekey"))?;
                self.one_time.waiting.insert(id, pair);
            }
            Bucket::Consumed => {
                let id = u32::from_str(key).map_err(|_| corrupt("consumed prekey"))?;
                let base_key =
                    serde_json::from_slice(value).map_err(|_| corrupt("consumed prekey"))?;
                self.one_time.consumed.insert(id, base_key);
            }
            _ => {}
        }
        Ok(())
    }
}
