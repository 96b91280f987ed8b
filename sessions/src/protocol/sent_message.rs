//! Sent messages, kept for retry receipts.

use std::time::Duration;

use crate::codec::{now_secs, stamped};
use crate::error::Error;
use crate::kind::Kind;
use crate::row_key::RowKey;
use crate::session::Session;
use crate::write::Expiry;

/// A row goes by itself after this long. The client sweeps much earlier while connected.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

impl Session {
    fn sent_message_key(&self, chat: &str, message_id: &str) -> RowKey {
        self.keys()
            .of(Kind::SentMessage, &[chat.as_bytes(), message_id.as_bytes()])
    }

    pub(super) async fn put_sent_message(
        &self,
        chat: &str,
        message_id: &str,
        payload: &[u8],
    ) -> Result<(), Error> {
        let now = now_secs();
        let mut write = self.write().await?;
        let key = self.sent_message_key(chat, message_id);
        write.put_expiring(&key, &stamped(now, payload), Expiry::After(KEPT))?;
        write.note().lower_bound(Kind::SentMessage, now);
        write.commit().await
    }

    /// Reads and deletes under the session's lock: of two takers, one gets it.
    pub(super) async fn remove_sent_message(
        &self,
        chat: &str,
        message_id: &str,
    ) -> Result<Option<Vec<u8>>, Error> {
        let key = self.sent_message_key(chat, message_id);
        let mut write = self.write().await?;
        let Some(value) = self.get(&key).await? else {
            return Ok(None);
        };
        let payload = self.unstamp(Kind::SentMessage, &value)?.1.to_vec();
        write.delete(&key);
        write.commit().await?;
        Ok(Some(payload))
    }

    pub(super) async fn sweep_sent_messages(&self, cutoff_secs: i64) -> Result<u32, Error> {
        self.sweep(Kind::SentMessage, cutoff_secs, Self::stamp_of)
            .await
    }
}
