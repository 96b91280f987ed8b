//! Signal state: identities, sessions, prekeys and sender keys.
//!
//! Writes of one instance become durable in the order in which they were made. So a
//! consumed prekey, which the client deletes after writing the session made from it,
//! can't be gone after a crash while that session is missing.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use wacore::store::error::Result as StoreResult;
use wacore::store::traits::SignalStore;

use crate::error::Error;
use crate::kind::Kind;
use crate::row_key::RowKey;
use crate::session::Session;

/// Bytes before a prekey's record: its id and whether it was uploaded.
const PREKEY_HEAD: usize = 5;

/// The user part of an address: `user@server` or `user:device@server`.
fn user_of(address: &str) -> &str {
    address.split(['@', ':']).next().unwrap_or(address)
}

fn prekey_value(id: u32, uploaded: bool, record: &[u8]) -> Vec<u8> {
    [&id.to_be_bytes()[..], &[u8::from(uploaded)], record].concat()
}

impl Session {
    /// Grouped by user, so that one prefix scan finds all devices of a user.
    fn address_key(&self, kind: Kind, address: &str) -> RowKey {
        self.keys()
            .grouped(kind, user_of(address).as_bytes(), &[address.as_bytes()])
    }

    fn prekey_key(&self, kind: Kind, id: u32) -> RowKey {
        self.keys().of(kind, &[&id.to_be_bytes()])
    }

    fn sender_key_key(&self, address: &str) -> RowKey {
        self.keys().of(Kind::SenderKey, &[address.as_bytes()])
    }

    async fn has_any_for_user(&self, kind: Kind, user: &str) -> Result<bool, Error> {
        let prefix = self.keys().group_prefix(kind, user.as_bytes());
        Ok(!self.scan_prefix(kind, prefix).await?.is_empty())
    }

    async fn put_all<'a>(
        &self,
        rows: impl Iterator<Item = (RowKey, &'a [u8])> + Send,
    ) -> Result<(), Error> {
        let mut write = self.write().await?;
        for (key, value) in rows {
            write.put(&key, value)?;
        }
        write.commit().await
    }
}

#[async_trait]
impl SignalStore for Session {
    async fn put_identity(&self, address: &str, key: [u8; 32]) -> StoreResult<()> {
        Ok(self
            .put_row(&self.address_key(Kind::Identity, address), &key)
            .await?)
    }

    async fn put_identities_batch(&self, identities: &[(Arc<str>, [u8; 32])]) -> StoreResult<()> {
        let rows = identities
            .iter()
            .map(|(address, key)| (self.address_key(Kind::Identity, address), key.as_slice()));
        Ok(self.put_all(rows).await?)
    }

    async fn load_identity(&self, address: &str) -> StoreResult<Option<[u8; 32]>> {
        let Some(value) = self.get(&self.address_key(Kind::Identity, address)).await? else {
            return Ok(None);
        };
        Ok(Some(
            value
                .try_into()
                .map_err(|_| self.malformed(Kind::Identity))?,
        ))
    }

    async fn delete_identity(&self, address: &str) -> StoreResult<()> {
        Ok(self
            .delete_row(&self.address_key(Kind::Identity, address))
            .await?)
    }

    async fn get_session(&self, address: &str) -> StoreResult<Option<Bytes>> {
        Ok(self
            .get(&self.address_key(Kind::SignalSession, address))
            .await?
            .map(Bytes::from))
    }

    async fn put_session(&self, address: &str, session: &[u8]) -> StoreResult<()> {
        Ok(self
            .put_row(&self.address_key(Kind::SignalSession, address), session)
            .await?)
    }

    async fn put_sessions_batch(&self, sessions: &[(Arc<str>, Bytes)]) -> StoreResult<()> {
        let rows = sessions
            .iter()
            .map(|(address, row)| (self.address_key(Kind::SignalSession, address), row.as_ref()));
        Ok(self.put_all(rows).await?)
    }

    async fn delete_session(&self, address: &str) -> StoreResult<()> {
        Ok(self
            .delete_row(&self.address_key(Kind::SignalSession, address))
            .await?)
    }

    async fn has_session(&self, address: &str) -> StoreResult<bool> {
        Ok(self
            .get(&self.address_key(Kind::SignalSession, address))
            .await?
            .is_some())
    }

    async fn has_signal_state_for_user(&self, user: &str) -> StoreResult<bool> {
        if user_of(user) != user {
            // Not a bare user: the trait allows a conservative answer.
            return Ok(true);
        }
        Ok(self.has_any_for_user(Kind::SignalSession, user).await?
            || self.has_any_for_user(Kind::Identity, user).await?)
    }

    async fn store_prekey(&self, id: u32, record: &[u8], uploaded: bool) -> StoreResult<()> {
        let key = self.prekey_key(Kind::PreKey, id);
        Ok(self
            .put_row(&key, &prekey_value(id, uploaded, record))
            .await?)
    }

    async fn store_prekeys_batch(&self, keys: &[(u32, Bytes)], uploaded: bool) -> StoreResult<()> {
        let mut write = self.write().await?;
        for (id, record) in keys {
            let key = self.prekey_key(Kind::PreKey, *id);
            write.put(&key, &prekey_value(*id, uploaded, record))?;
        }
        Ok(write.commit().await?)
    }

    async fn load_prekey(&self, id: u32) -> StoreResult<Option<Bytes>> {
        let Some(value) = self.get(&self.prekey_key(Kind::PreKey, id)).await? else {
            return Ok(None);
        };
        let (_, record) = self.split::<PREKEY_HEAD>(Kind::PreKey, &value)?;
        Ok(Some(Bytes::copy_from_slice(record)))
    }

    async fn load_prekeys_batch(&self, ids: &[u32]) -> StoreResult<Vec<(u32, Bytes)>> {
        let keys: Vec<RowKey> = ids
            .iter()
            .map(|&id| self.prekey_key(Kind::PreKey, id))
            .collect();
        let mut found = Vec::with_capacity(ids.len());
        for (&id, value) in ids.iter().zip(self.get_many(&keys).await?) {
            let Some(value) = value else { continue };
            let (_, record) = self.split::<PREKEY_HEAD>(Kind::PreKey, &value)?;
            found.push((id, Bytes::copy_from_slice(record)));
        }
        Ok(found)
    }

    async fn mark_prekeys_uploaded(&self, ids: &[u32]) -> StoreResult<()> {
        // Read under the lock: a prekey that is consumed meanwhile must stay deleted.
        let mut write = self.write().await?;
        for &id in ids {
            let key = self.prekey_key(Kind::PreKey, id);
            let Some(value) = self.get(&key).await? else {
                continue;
            };
            let (_, record) = self.split::<PREKEY_HEAD>(Kind::PreKey, &value)?;
            write.put(&key, &prekey_value(id, true, record))?;
        }
        Ok(write.commit().await?)
    }

    async fn remove_prekey(&self, id: u32) -> StoreResult<()> {
        Ok(self.delete_row(&self.prekey_key(Kind::PreKey, id)).await?)
    }

    async fn get_max_prekey_id(&self) -> StoreResult<u32> {
        let mut max = 0;
        for row in self.scan(Kind::PreKey).await? {
            let (id, _) = self.split::<4>(Kind::PreKey, &row.value)?;
            max = max.max(u32::from_be_bytes(id));
        }
        Ok(max)
    }

    async fn store_signed_prekey(&self, id: u32, record: &[u8]) -> StoreResult<()> {
        let value = [&id.to_be_bytes()[..], record].concat();
        Ok(self
            .put_row(&self.prekey_key(Kind::SignedPreKey, id), &value)
            .await?)
    }

    async fn load_signed_prekey(&self, id: u32) -> StoreResult<Option<Vec<u8>>> {
        let Some(value) = self.get(&self.prekey_key(Kind::SignedPreKey, id)).await? else {
            return Ok(None);
        };
        Ok(Some(
            self.split::<4>(Kind::SignedPreKey, &value)?.1.to_vec(),
        ))
    }

    async fn load_all_signed_prekeys(&self) -> StoreResult<Vec<(u32, Vec<u8>)>> {
        let mut all = Vec::new();
        for row in self.scan(Kind::SignedPreKey).await? {
            let (id, record) = self.split::<4>(Kind::SignedPreKey, &row.value)?;
            all.push((u32::from_be_bytes(id), record.to_vec()));
        }
        Ok(all)
    }

    async fn remove_signed_prekey(&self, id: u32) -> StoreResult<()> {
        Ok(self
            .delete_row(&self.prekey_key(Kind::SignedPreKey, id))
            .await?)
    }

    async fn put_sender_key(&self, address: &str, record: &[u8]) -> StoreResult<()> {
        Ok(self.put_row(&self.sender_key_key(address), record).await?)
    }

    async fn put_sender_keys_batch(&self, sender_keys: &[(Arc<str>, Bytes)]) -> StoreResult<()> {
        let rows = sender_keys
            .iter()
            .map(|(address, record)| (self.sender_key_key(address), record.as_ref()));
        Ok(self.put_all(rows).await?)
    }

    async fn get_sender_key(&self, address: &str) -> StoreResult<Option<Vec<u8>>> {
        Ok(self.get(&self.sender_key_key(address)).await?)
    }

    async fn delete_sender_key(&self, address: &str) -> StoreResult<()> {
        Ok(self.delete_row(&self.sender_key_key(address)).await?)
    }
}
