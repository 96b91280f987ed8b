//! Trusted contact tokens. Two writers own one field each, so each update reads the row
//! under the session's lock.

use serde::{Deserialize, Serialize};
use wacore::store::traits::TcTokenEntry;

use crate::error::Error;
use crate::kind::Kind;
use crate::row_key::RowKey;
use crate::session::Session;
use crate::write::Write;

const KIND: Kind = Kind::TcToken;

/// A row. The JID is inside because the key holds only its hash.
#[derive(Serialize, Deserialize)]
struct TcTokenRow {
    jid: String,
    entry: TcTokenEntry,
}

impl Session {
    fn tc_token_key(&self, jid: &str) -> RowKey {
        self.keys().of(KIND, &[jid.as_bytes()])
    }

    fn put_tc_token_row(
        &self,
        write: &mut Write,
        jid: &str,
        entry: TcTokenEntry,
    ) -> Result<(), Error> {
        let row = TcTokenRow {
            jid: jid.to_owned(),
            entry,
        };
        write.put(&self.tc_token_key(jid), &self.json_encode(KIND, &row)?)
    }

    pub(super) async fn tc_token(&self, jid: &str) -> Result<Option<TcTokenEntry>, Error> {
        let Some(value) = self.get(&self.tc_token_key(jid)).await? else {
            return Ok(None);
        };
        Ok(Some(self.json_decode::<TcTokenRow>(KIND, &value)?.entry))
    }

    pub(super) async fn replace_tc_token(
        &self,
        jid: &str,
        entry: &TcTokenEntry,
    ) -> Result<(), Error> {
        let mut write = self.write().await?;
        self.put_tc_token_row(&mut write, jid, entry.clone())?;
        write.commit().await
    }

    pub(super) async fn drop_tc_token(&self, jid: &str) -> Result<(), Error> {
        self.delete_row(&self.tc_token_key(jid)).await
    }

    pub(super) async fn tc_token_jids(&self) -> Result<Vec<String>, Error> {
        let rows = self.scan(KIND).await?;
        rows.iter()
            .map(|row| Ok(self.json_decode::<TcTokenRow>(KIND, &row.value)?.jid))
            .collect()
    }

    /// Deletes rows with neither a live token nor a live sender bucket.
    pub(super) async fn sweep_tc_tokens(
        &self,
        token_cutoff: i64,
        sender_cutoff: i64,
    ) -> Result<u32, Error> {
        let mut write = self.write().await?;
        let mut deleted = 0;
        for row in self.scan(KIND).await? {
            let TcTokenRow { entry, .. } = self.json_decode(KIND, &row.value)?;
            let token_lives = !entry.token.is_empty() && entry.token_timestamp >= token_cutoff;
            let sender_lives = entry
                .sender_timestamp
                .is_some_and(|secs| secs >= sender_cutoff);
            if !token_lives && !sender_lives {
                write.delete(&row.key);
                deleted += 1;
            }
        }
        write.commit().await?;
        Ok(deleted)
    }

    /// Moves the sender bucket forward, never back.
    pub(super) async fn touch_tc_token(
        &self,
        jid: &str,
        sender_timestamp: i64,
    ) -> Result<(), Error> {
        let mut write = self.write().await?;
        let mut entry = self.tc_token(jid).await?.unwrap_or_else(|| TcTokenEntry {
            token: Vec::new(),
            token_timestamp: sender_timestamp,
            sender_timestamp: None,
        });
        entry.sender_timestamp = entry.sender_timestamp.max(Some(sender_timestamp));
        self.put_tc_token_row(&mut write, jid, entry)?;
        write.commit().await
    }

    /// Stores a received token unless a newer one is there.
    pub(super) async fn receive_tc_token(
        &self,
        jid: &str,
        token: &[u8],
        token_timestamp: i64,
    ) -> Result<(), Error> {
        let mut write = self.write().await?;
        let stored = self.tc_token(jid).await?;
        let newer = stored.as_ref().is_some_and(|entry| {
            !entry.token.is_empty() && token_timestamp < entry.token_timestamp
        });
        if newer {
            return Ok(());
        }
        let entry = TcTokenEntry {
            token: token.to_vec(),
            token_timestamp,
            sender_timestamp: stored.and_then(|entry| entry.sender_timestamp),
        };
        self.put_tc_token_row(&mut write, jid, entry)?;
        write.commit().await
    }
}
