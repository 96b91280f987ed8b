//! Writing one instance's session into an archive.

use tokio::io::AsyncWrite;
use wacore::store::traits::DeviceStore;
use zeroize::Zeroizing;

use crate::archive::{ArchiveError, Card, Passphrase, Record, RowRecord, SealWriter};
use crate::error::Error;
use crate::kind::Kind;
use crate::row_key::{PREFIX_BYTES, RowKey, row_key};
use crate::session::Session;

impl Session {
    /// Writes every row of the instance, opened, into an archive that `passphrase` seals, and
    /// returns the writer and the number of rows. The session stays as it is; no write of this
    /// process gets in between. Stop the instance's client first: what it does later is
    /// missing in the archive, and two clients on one session give out the same message keys.
    ///
    /// # Errors
    /// [`ArchiveError::NotPaired`], [`ArchiveError::Session`] and [`ArchiveError::Io`].
    pub async fn export<W: AsyncWrite + Unpin + Send>(
        &self,
        card: Card,
        passphrase: &Passphrase,
        writer: W,
    ) -> Result<(W, u64), ArchiveError> {
        let device = self
            .load()
            .await
            .map_err(|error| self.device_error(&error))?;
        if device.is_none_or(|device| device.pn.is_none()) {
            return Err(ArchiveError::NotPaired);
        }
        let _no_writes = self.lock().await;
        let mut archive = SealWriter::start(writer, passphrase).await?;
        archive.write(&Record::Card(Box::new(card))).await?;
        archive
            .write(&Record::RowKey(row_key(self.data_key())))
            .await?;
        let mut count = 0;
        let mut rows = self.shard_db().rows(&self.keys().instance_prefix()).await?;
        while let Some(row) = rows.next().await? {
            let kind = row.key.get(PREFIX_BYTES - 1).copied();
            let kind = kind.and_then(Kind::from_tag).ok_or(ArchiveError::Content(
                "the database has an unknown kind of row",
            ))?;
            if kind == Kind::KeyCheck {
                // It proves a data key that stays here.
                continue;
            }
            let key = RowKey {
                kind,
                bytes: row.key,
            };
            let value = Zeroizing::new(self.open(&key, &row.value)?);
            let record = RowRecord {
                kind,
                hashes: key.bytes[PREFIX_BYTES..].to_vec(),
                expires_at_ms: row.expire_ts,
                value,
            };
            archive.write(&Record::Row(record)).await?;
            count += 1;
        }
        archive.write(&Record::End { rows: count }).await?;
        Ok((archive.finish().await?, count))
    }

    /// The store's own error behind the one that the trait makes of it.
    fn device_error(&self, error: &(dyn std::error::Error + 'static)) -> ArchiveError {
        match error
            .source()
            .and_then(<dyn std::error::Error>::downcast_ref)
        {
            Some(error) => ArchiveError::Session(Error::clone(error)),
            None => ArchiveError::Session(self.malformed(Kind::Device)),
        }
    }
}
