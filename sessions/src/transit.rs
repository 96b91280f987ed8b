//! An instance changes shards: its rows leave one database and arrive in another.

use std::collections::HashSet;

use bytes::Bytes;
use pombal_domain::MoveId;

use crate::error::Error;
use crate::kind::Kind;
use crate::parcel::{PackedRow, Packer, unpack};
use crate::session::Session;

/// Bytes of keys and values in one commit.
const COMMIT_BYTES: usize = 1024 * 1024;
/// Length of the instance id, with which every key begins.
const ID_BYTES: usize = 16;

impl Session {
    /// Every row of the instance, as a parcel that opens only for `attempt`. It holds what was
    /// written before, write-behind rows too; from then on each handle of the instance fails
    /// with [`Error::Left`]. Should it stay after all, a new [`crate::ShardDb::session`] goes on
    /// with the same rows.
    ///
    /// Stop the instance's client first: what it was about to write is refused.
    ///
    /// # Errors
    /// [`Error::WrongKey`] and every error of a read. The session goes on then.
    pub async fn leave(&self, attempt: MoveId) -> Result<Vec<u8>, Error> {
        self.ready().await?;
        let _no_writes = self.lock().await;
        let mut packer = Packer::new();
        let mut rows = self.shard_db().rows(&self.keys().instance_prefix()).await?;
        while let Some(row) = rows.next().await? {
            let row = PackedRow {
                tail: row.key.slice(ID_BYTES..),
                expires_at_ms: row.expire_ts,
                value: row.value,
            };
            if !packer.add(&row) {
                return Err(self.parcel("a row is larger than rows can be"));
            }
        }
        let (instance, kind) = (self.instance(), Kind::KeyCheck);
        let sealed = packer
            .seal(self.data_key(), instance, attempt)
            .map_err(|_| Error::Seal { instance, kind })?;
        self.0.shared.set_left();
        Ok(sealed)
    }

    /// Writes the rows of a parcel, durably, in the place of any rows of the instance that are
    /// there, and returns how many they are. Doing it again is doing it once, as long as nothing
    /// else was written; a crash in between leaves a part of them.
    ///
    /// # Errors
    /// [`Error::Parcel`] when it is not the instance's parcel of this attempt; nothing was
    /// written then. [`Error::Wiped`] and every error of a read or a commit.
    pub async fn arrive(&self, attempt: MoveId, parcel: &[u8]) -> Result<usize, Error> {
        let rows = unpack(parcel, self.data_key(), self.instance(), attempt)
            .map_err(|what| self.parcel(what))?;
        let key = |row: &PackedRow| -> Bytes {
            let id = self.keys().instance_prefix();
            [id.as_ref(), &row.tail].concat().into()
        };
        let keys: HashSet<Bytes> = rows.iter().map(key).collect();
        let mut write = self.lock().await;
        for (old, _) in self.shard_db().scan(&self.keys().instance_prefix()).await? {
            if !keys.contains(&old) {
                write.delete_bytes(&old);
            }
        }
        let mut bytes = 0;
        for row in &rows {
            let key = key(row);
            bytes += key.len() + row.value.len();
            write.put_sealed(key, row.value.clone(), row.expires_at_ms);
            if bytes >= COMMIT_BYTES {
                write.commit().await?;
                write = self.lock().await;
                bytes = 0;
            }
        }
        write.commit_or_barrier().await?;
        Ok(rows.len())
    }

    fn parcel(&self, what: &'static str) -> Error {
        Error::Parcel {
            instance: self.instance(),
            what,
        }
    }
}
