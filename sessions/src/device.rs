//! The device: who this instance is for `WhatsApp`.

use async_trait::async_trait;
use wacore::store::Device;
use wacore::store::error::Result as StoreResult;
use wacore::store::traits::DeviceStore;

use crate::error::Error;
use crate::kind::Kind;
use crate::row_key::PREFIX_BYTES;
use crate::session::Session;

/// An instance has one device, so its id is always the same.
const DEVICE_ID: i32 = 1;

impl Session {
    /// The stored device. One that is missing while other rows of the session are there is not
    /// a new instance's: with a new device those would be lost.
    async fn stored_device(&self) -> Result<Option<Vec<u8>>, Error> {
        let stored = self.get(&self.keys().only(Kind::Device)).await?;
        if stored.is_none() && self.has_session_rows().await? {
            return Err(self.alarm(Error::Incomplete {
                instance: self.instance(),
                missing: Kind::Device,
            }));
        }
        Ok(stored)
    }

    async fn has_session_rows(&self) -> Result<bool, Error> {
        let rows = self.0.db.scan(&self.keys().instance_prefix()).await?;
        let tags = rows.iter().filter_map(|(key, _)| key.get(PREFIX_BYTES - 1));
        let session: Vec<u8> = Kind::ALL
            .iter()
            .filter(|kind| kind.is_session())
            .map(|kind| kind.tag())
            .collect();
        Ok(tags.into_iter().any(|tag| session.contains(tag)))
    }

    fn device_value(&self, device: &Device) -> Result<Vec<u8>, Error> {
        self.json_encode(Kind::Device, device)
    }
}

#[async_trait]
impl DeviceStore for Session {
    async fn save(&self, device: &Device) -> StoreResult<()> {
        let value = self.device_value(device)?;
        Ok(self
            .put_row(&self.keys().only(Kind::Device), &value)
            .await?)
    }

    async fn load(&self) -> StoreResult<Option<Device>> {
        let Some(value) = self.stored_device().await? else {
            return Ok(None);
        };
        let mut device: Device = self.json_decode(Kind::Device, &value)?;
        // Not in the JSON, and its serde default is empty: pairing would then announce a
        // client without a platform.
        device.device_props = Device::new().device_props;
        Ok(Some(device))
    }

    async fn exists(&self) -> StoreResult<bool> {
        Ok(self.stored_device().await?.is_some())
    }

    async fn create(&self) -> StoreResult<i32> {
        let key = self.keys().only(Kind::Device);
        let mut write = self.write().await?;
        // A second creation must not replace a paired device.
        if self.stored_device().await?.is_none() {
            write.put(&key, &self.device_value(&Device::new())?)?;
        }
        write.commit_or_barrier().await?;
        Ok(DEVICE_ID)
    }
}
