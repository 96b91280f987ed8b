//! Small state of the connector, one row per name.

use crate::error::Error;
use crate::kind::Kind;
use crate::row_key::RowKey;
use crate::session::Session;

impl Session {
    fn meta_key(&self, key: &str) -> RowKey {
        self.keys().of(Kind::Meta, &[key.as_bytes()])
    }

    /// Stores a small value. With `durable` it survives a crash once this returns;
    /// without, it becomes durable with the shard's next flush.
    ///
    /// # Errors
    /// [`Error::WrongKey`], [`Error::Wiped`] and every error of a commit.
    pub async fn put_meta(&self, key: &str, value: &[u8], durable: bool) -> Result<(), Error> {
        let mut write = self.write().await?;
        write.put(&self.meta_key(key), value)?;
        if durable {
            write.commit().await
        } else {
            write.commit_behind().await
        }
    }

    /// The value stored under `key`, a write-behind one too.
    ///
    /// # Errors
    /// [`Error::WrongKey`], [`Error::Unopenable`] and every error of a read.
    pub async fn get_meta(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.get(&self.meta_key(key)).await
    }

    /// Deletes the value durably. Fine when there is none.
    ///
    /// # Errors
    /// As [`Self::put_meta`].
    pub async fn delete_meta(&self, key: &str) -> Result<(), Error> {
        self.delete_row(&self.meta_key(key)).await
    }
}
