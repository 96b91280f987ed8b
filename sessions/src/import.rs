//! Reading one instance's session out of an archive.

use tokio::io::{AsyncRead, AsyncSeek};

use crate::archive::{Archive, ArchiveError, RowRecord};
use crate::row_key::row_key;
use crate::session::Session;
use crate::write::Expiry;

/// Plain bytes of rows in one commit.
const COMMIT_BYTES: usize = 1024 * 1024;

impl Session {
    /// Writes the rows of an archive, sealed under this session's data key, durably, and
    /// returns how many they were. The session must be the card's instance with no rows, under
    /// a data key that [`Archive::adopt`] gave. [`Archive::verify`] first: what turns out to
    /// be damaged only here has been written in part by then, and is wiped again.
    ///
    /// # Errors
    /// [`ArchiveError::NotEmpty`], every error of reading an archive, and
    /// [`ArchiveError::Session`].
    pub async fn import<R: AsyncRead + AsyncSeek + Unpin + Send>(
        &self,
        archive: &mut Archive<R>,
    ) -> Result<u64, ArchiveError> {
        if archive.card().id != self.instance() {
            return Err(ArchiveError::Content("it is of another instance"));
        }
        let adopted = archive.adopt(self.data_key().clone());
        if row_key(&adopted) != row_key(self.data_key()) {
            return Err(ArchiveError::Content(
                "its rows are hashed under another key",
            ));
        }
        let before = self.shard_db().scan(&self.keys().instance_prefix()).await?;
        if !before.is_empty() {
            return Err(ArchiveError::NotEmpty);
        }
        let copied = self.copy_rows(archive).await;
        if copied.is_err() {
            self.wipe_all().await?;
        }
        copied
    }

    async fn copy_rows<R: AsyncRead + AsyncSeek + Unpin + Send>(
        &self,
        archive: &mut Archive<R>,
    ) -> Result<u64, ArchiveError> {
        let mut rows = 0;
        let mut write = self.write().await?;
        let mut bytes = 0;
        while let Some(row) = archive.next_row().await? {
            let RowRecord {
                kind,
                hashes,
                expires_at_ms,
                value,
            } = row;
            let key = self
                .keys()
                .hashed(kind, &hashes)
                .ok_or(ArchiveError::Content("a row's key has another length"))?;
            match expires_at_ms {
                None => write.put(&key, &value)?,
                Some(ms) => write.put_expiring(&key, &value, Expiry::AtMs(ms))?,
            }
            rows += 1;
            bytes += value.len();
            if bytes >= COMMIT_BYTES {
                write.commit().await?;
                write = self.write().await?;
                bytes = 0;
            }
        }
        write.commit_or_barrier().await?;
        Ok(rows)
    }
}
