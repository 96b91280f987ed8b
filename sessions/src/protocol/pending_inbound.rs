//! Decrypted inbound messages that are not yet handed over.
//!
//! A row is durable before the ratchet that decrypted it: after a crash the redelivered
//! message is read from here, since it can't be decrypted twice.

use std::time::Duration;

use wacore::store::traits::{PendingInboundKey, PendingInboundRow};

use crate::codec::{now_secs, stamped};
use crate::error::Error;
use crate::kind::Kind;
use crate::row_key::RowKey;
use crate::session::Session;
use crate::write::Expiry;

/// A row goes by itself after this long. The client sweeps at seven days; `WhatsApp` stops
/// redelivering after 30.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

impl Session {
    fn pending_key(&self, key: PendingInboundKey<'_>) -> RowKey {
        let parts = [
            key.chat.as_bytes(),
            key.sender.as_bytes(),
            key.id.as_bytes(),
        ];
        self.keys().of(Kind::PendingInbound, &parts)
    }

    pub(super) async fn put_pending_inbound(
        &self,
        rows: &[PendingInboundRow<'_>],
    ) -> Result<(), Error> {
        let now = now_secs();
        let mut write = self.write().await?;
        for &PendingInboundRow {
            chat,
            sender,
            id,
            message,
        } in rows
        {
            let key = self.pending_key(PendingInboundKey { chat, sender, id });
            write.put_expiring(&key, &stamped(now, message), Expiry::After(KEPT))?;
        }
        write.note().lower_bound(Kind::PendingInbound, now);
        write.commit().await
    }

    pub(super) async fn pending_inbound(
        &self,
        key: PendingInboundKey<'_>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let Some(value) = self.get(&self.pending_key(key)).await? else {
            return Ok(None);
        };
        Ok(Some(self.unstamp(Kind::PendingInbound, &value)?.1.to_vec()))
    }

    pub(super) async fn drop_pending_inbound(
        &self,
        keys: &[PendingInboundKey<'_>],
    ) -> Result<(), Error> {
        let mut write = self.write().await?;
        for key in keys {
            write.delete(&self.pending_key(*key));
        }
        write.commit().await
    }

    pub(super) async fn sweep_pending_inbound(&self, cutoff_secs: i64) -> Result<u32, Error> {
        self.sweep(Kind::PendingInbound, cutoff_secs, Self::stamp_of)
            .await
    }
}
