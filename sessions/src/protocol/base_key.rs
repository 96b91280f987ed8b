//! Base keys of Signal sessions, to notice on a retry that the session did not change.

use std::time::Duration;

use crate::error::Error;
use crate::kind::Kind;
use crate::row_key::RowKey;
use crate::session::Session;
use crate::write::Expiry;

/// A row goes by itself after this long. `WhatsApp` keeps an undelivered message, and so
/// its retries, for 30 days.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

impl Session {
    fn base_key_key(&self, address: &str, message_id: &str) -> RowKey {
        self.keys()
            .of(Kind::BaseKey, &[address.as_bytes(), message_id.as_bytes()])
    }

    pub(super) async fn put_base_key(
        &self,
        address: &str,
        message_id: &str,
        base_key: &[u8],
    ) -> Result<(), Error> {
        let mut write = self.write().await?;
        let key = self.base_key_key(address, message_id);
        write.put_expiring(&key, base_key, Expiry::After(KEPT))?;
        write.commit().await
    }

    pub(super) async fn base_key(
        &self,
        address: &str,
        message_id: &str,
    ) -> Result<Option<Vec<u8>>, Error> {
        self.get(&self.base_key_key(address, message_id)).await
    }

    pub(super) async fn drop_base_key(&self, address: &str, message_id: &str) -> Result<(), Error> {
        self.delete_row(&self.base_key_key(address, message_id))
            .await
    }
}
