//! Device lists of users, from usync.

use wacore::store::traits::DeviceListRecord;

use crate::error::Error;
use crate::kind::Kind;
use crate::row_key::RowKey;
use crate::session::Session;

impl Session {
    fn device_list_key(&self, user: &str) -> RowKey {
        self.keys().of(Kind::DeviceList, &[user.as_bytes()])
    }

    pub(super) async fn put_device_lists(&self, records: &[DeviceListRecord]) -> Result<(), Error> {
        let mut write = self.write().await?;
        for record in records {
            let value = self.json_encode(Kind::DeviceList, record)?;
            write.put(&self.device_list_key(&record.user), &value)?;
        }
        write.commit().await
    }

    pub(super) async fn device_list(&self, user: &str) -> Result<Option<DeviceListRecord>, Error> {
        let value = self.get(&self.device_list_key(user)).await?;
        value
            .map(|value| self.json_decode(Kind::DeviceList, &value))
            .transpose()
    }

    pub(super) async fn delete_device_list(&self, user: &str) -> Result<(), Error> {
        self.delete_row(&self.device_list_key(user)).await
    }
}
