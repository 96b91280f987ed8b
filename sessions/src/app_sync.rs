//! App state sync: keys, collection versions and mutation MACs.

use std::collections::HashMap;

use async_trait::async_trait;
use wacore::appstate::hash::HashState;
use wacore::store::error::Result as StoreResult;
use wacore::store::traits::{AppStateSyncKey, AppSyncStore};
use wacore_appstate::processor::AppStateMutationMAC;

use crate::kind::Kind;
use crate::row_key::RowKey;
use crate::session::Session;

impl Session {
    fn mac_key(&self, name: &str, index_mac: &[u8]) -> RowKey {
        self.keys()
            .grouped(Kind::MutationMac, name.as_bytes(), &[index_mac])
    }
}

#[async_trait]
impl AppSyncStore for Session {
    async fn get_sync_key(&self, key_id: &[u8]) -> StoreResult<Option<AppStateSyncKey>> {
        let Some(value) = self.get(&self.keys().of(Kind::SyncKey, &[key_id])).await? else {
            return Ok(None);
        };
        Ok(Some(self.json_decode(Kind::SyncKey, &value)?))
    }

    async fn set_sync_key(&self, key_id: &[u8], key: AppStateSyncKey) -> StoreResult<()> {
        let mut write = self.write().await?;
        let value = self.json_encode(Kind::SyncKey, &key)?;
        write.put(&self.keys().of(Kind::SyncKey, &[key_id]), &value)?;
        write.put(&self.keys().only(Kind::LatestSyncKey), key_id)?;
        Ok(write.commit().await?)
    }

    async fn get_version(&self, name: &str) -> StoreResult<HashState> {
        let key = self.keys().of(Kind::SyncVersion, &[name.as_bytes()]);
        let Some(value) = self.get(&key).await? else {
            return Ok(HashState::default());
        };
        Ok(self.json_decode(Kind::SyncVersion, &value)?)
    }

    async fn set_version(&self, name: &str, state: HashState) -> StoreResult<()> {
        let key = self.keys().of(Kind::SyncVersion, &[name.as_bytes()]);
        let value = self.json_encode(Kind::SyncVersion, &state)?;
        Ok(self.put_row(&key, &value).await?)
    }

    async fn put_mutation_macs(
        &self,
        name: &str,
        _version: u64,
        mutations: &[AppStateMutationMAC],
    ) -> StoreResult<()> {
        let mut write = self.write().await?;
        for mutation in mutations {
            write.put(
                &self.mac_key(name, &mutation.index_mac),
                &mutation.value_mac,
            )?;
        }
        Ok(write.commit().await?)
    }

    async fn get_mutation_mac(&self, name: &str, index_mac: &[u8]) -> StoreResult<Option<Vec<u8>>> {
        Ok(self.get(&self.mac_key(name, index_mac)).await?)
    }

    async fn get_mutation_macs(
        &self,
        name: &str,
        index_macs: &[[u8; 32]],
    ) -> StoreResult<HashMap<[u8; 32], Vec<u8>>> {
        let keys: Vec<RowKey> = index_macs
            .iter()
            .map(|mac| self.mac_key(name, mac))
            .collect();
        let values = self.get_many(&keys).await?;
        Ok(index_macs
            .iter()
            .zip(values)
            .filter_map(|(mac, value)| Some((*mac, value?)))
            .collect())
    }

    async fn delete_mutation_macs(&self, name: &str, index_macs: &[Vec<u8>]) -> StoreResult<()> {
        let mut write = self.write().await?;
        for index_mac in index_macs {
            write.delete(&self.mac_key(name, index_mac));
        }
        Ok(write.commit().await?)
    }

    async fn clear_mutation_macs(&self, name: &str) -> StoreResult<()> {
        let prefix = self.keys().group_prefix(Kind::MutationMac, name.as_bytes());
        Ok(self.delete_prefix(Kind::MutationMac, &prefix).await?)
    }

    async fn get_latest_sync_key_id(&self) -> StoreResult<Option<Vec<u8>>> {
        Ok(self.get(&self.keys().only(Kind::LatestSyncKey)).await?)
    }
}
