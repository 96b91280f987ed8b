//! Which devices of a group have our sender key. Grouped by group.

use std::collections::HashSet;

use crate::error::Error;
use crate::kind::Kind;
use crate::row_key::{HASH_BYTES, RowKey};
use crate::session::Session;

const KIND: Kind = Kind::SenderKeyDevice;

impl Session {
    fn sender_key_device_key(&self, group: &str, device: &str) -> RowKey {
        self.keys()
            .grouped(KIND, group.as_bytes(), &[device.as_bytes()])
    }

    pub(super) async fn sender_key_devices(
        &self,
        group: &str,
    ) -> Result<Vec<(String, bool)>, Error> {
        let prefix = self.keys().group_prefix(KIND, group.as_bytes());
        let rows = self.scan_prefix(KIND, prefix).await?;
        rows.iter()
            .map(|row| {
                let ([has_key], device) = self.split::<1>(KIND, &row.value)?;
                Ok((self.text(KIND, device)?, has_key == 1))
            })
            .collect()
    }

    pub(super) async fn put_sender_key_devices(
        &self,
        group: &str,
        entries: &[(&str, bool)],
    ) -> Result<(), Error> {
        let mut write = self.write().await?;
        for (device, has_key) in entries {
            let value = [&[u8::from(*has_key)], device.as_bytes()].concat();
            write.put(&self.sender_key_device_key(group, device), &value)?;
        }
        write.commit().await
    }

    pub(super) async fn delete_sender_key_devices_of(&self, group: &str) -> Result<(), Error> {
        self.delete_prefix(KIND, &self.keys().group_prefix(KIND, group.as_bytes()))
            .await
    }

    /// Deletes these devices from every group. Their hash is the same in each.
    pub(super) async fn delete_sender_key_devices(&self, devices: &[&str]) -> Result<(), Error> {
        if devices.is_empty() {
            return Ok(());
        }
        let gone: HashSet<[u8; HASH_BYTES]> = devices
            .iter()
            .map(|device| self.keys().item(KIND, &[device.as_bytes()]))
            .collect();
        let mut write = self.write().await?;
        for (bytes, _) in self.0.db.scan(&self.keys().prefix(KIND)).await? {
            let key = RowKey { kind: KIND, bytes };
            if key.item_hash().is_some_and(|hash| gone.contains(hash)) {
                write.delete(&key);
            }
        }
        write.commit().await
    }

    pub(super) async fn delete_all_sender_key_devices(&self) -> Result<(), Error> {
        self.delete_prefix(KIND, &self.keys().prefix(KIND)).await
    }
}
