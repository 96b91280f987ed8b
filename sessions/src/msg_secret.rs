//! Secrets of messages, for add-ons such as poll votes, reactions and edits.

use std::collections::HashMap;

use async_trait::async_trait;
use wacore::store::error::Result as StoreResult;
use wacore::store::traits::{
    MessageSecret, MsgSecretEntry, MsgSecretStore, merge_msg_secret_expiry,
    merge_msg_secret_message_ts,
};

use crate::error::Error;
use crate::kind::Kind;
use crate::row_key::RowKey;
use crate::session::Session;
use crate::write::Expiry;

/// How long after its deadline a row goes by itself if no sweep came. Seven days.
const GRACE_SECS: i64 = 7 * 24 * 3600;

/// A stored secret. Times are Unix seconds; zero means never and unknown.
#[derive(Clone, Copy)]
struct Secret {
    expires_at: i64,
    message_ts: i64,
    secret: MessageSecret,
}

impl Secret {
    fn encode(&self) -> Vec<u8> {
        [
            &self.expires_at.to_be_bytes()[..],
            &self.message_ts.to_be_bytes(),
            &self.secret,
        ]
        .concat()
    }

    fn merged(before: Option<Self>, entry: &MsgSecretEntry) -> Self {
        let &MsgSecretEntry {
            expires_at,
            message_ts,
            secret,
            ..
        } = entry;
        match before {
            None => Self {
                expires_at,
                message_ts,
                secret,
            },
            Some(before) => Self {
                expires_at: merge_msg_secret_expiry(before.expires_at, expires_at),
                message_ts: merge_msg_secret_message_ts(before.message_ts, message_ts),
                secret,
            },
        }
    }
}

impl Session {
    fn secret_key(&self, chat: &str, sender: &str, msg_id: &str) -> RowKey {
        self.keys().of(
            Kind::MsgSecret,
            &[chat.as_bytes(), sender.as_bytes(), msg_id.as_bytes()],
        )
    }

    fn decode_secret(&self, value: &[u8]) -> Result<Secret, Error> {
        let (expires_at, rest) = self.unstamp(Kind::MsgSecret, value)?;
        let (message_ts, secret) = self.unstamp(Kind::MsgSecret, rest)?;
        let secret = secret
            .try_into()
            .map_err(|_| self.malformed(Kind::MsgSecret))?;
        Ok(Secret {
            expires_at,
            message_ts,
            secret,
        })
    }

    async fn load_secret(&self, key: &RowKey) -> Result<Option<Secret>, Error> {
        self.get(key)
            .await?
            .map(|value| self.decode_secret(&value))
            .transpose()
    }
}

#[async_trait]
impl MsgSecretStore for Session {
    async fn put_msg_secrets(&self, entries: Vec<MsgSecretEntry>) -> StoreResult<usize> {
        let mut write = self.write().await?;
        let keys: Vec<RowKey> = entries
            .iter()
            .map(|e| self.secret_key(&e.chat, &e.sender, &e.msg_id))
            .collect();
        let stored = self.get_many(&keys).await?;
        // One batch may name a row twice: the second merges with the first.
        let mut merged: HashMap<&RowKey, Secret> = HashMap::with_capacity(keys.len());
        for ((key, value), entry) in keys.iter().zip(stored).zip(&entries) {
            let before = match (merged.get(key), value) {
                (Some(secret), _) => Some(*secret),
                (None, value) => value.map(|value| self.decode_secret(&value)).transpose()?,
            };
            merged.insert(key, Secret::merged(before, entry));
        }
        for (key, secret) in merged {
            if secret.expires_at == 0 {
                write.put(key, &secret.encode())?;
            } else {
                let gone = secret.expires_at.saturating_add(GRACE_SECS);
                write.put_expiring(key, &secret.encode(), Expiry::AtSecs(gone))?;
                write.note().lower_bound(Kind::MsgSecret, secret.expires_at);
            }
        }
        write.commit().await?;
        Ok(entries.len())
    }

    async fn get_msg_secret(
        &self,
        chat: &str,
        sender: &str,
        msg_id: &str,
    ) -> StoreResult<Option<Vec<u8>>> {
        let secret = self
            .load_secret(&self.secret_key(chat, sender, msg_id))
            .await?;
        Ok(secret.map(|secret| secret.secret.to_vec()))
    }

    async fn get_msg_secret_with_ts(
        &self,
        chat: &str,
        sender: &str,
        msg_id: &str,
    ) -> StoreResult<Option<(Vec<u8>, i64)>> {
        let secret = self
            .load_secret(&self.secret_key(chat, sender, msg_id))
            .await?;
        Ok(secret.map(|secret| (secret.secret.to_vec(), secret.message_ts)))
    }

    async fn delete_expired_msg_secrets(&self, cutoff_timestamp: i64) -> StoreResult<u32> {
        // Here a deadline at the cutoff has passed; a sweep deletes what is before it.
        let before = cutoff_timestamp.saturating_add(1);
        let deadline = |session: &Self, row: &crate::session::Row| {
            let secret = session.decode_secret(&row.value)?;
            Ok((secret.expires_at != 0).then_some(secret.expires_at))
        };
        Ok(self.sweep(Kind::MsgSecret, before, deadline).await?)
    }
}
