//! One instance's session in a file, sealed with a passphrase.
//!
//! ```text
//! header   magic, version, how the key is derived, salt, check value
//! chunks   64 KiB each: ChaCha20-Poly1305 in the STREAM construction, with the whole header
//!          as associated data
//! ```
//!
//! STREAM numbers the chunks and marks the last one, so a chunk that is missing, moved,
//! repeated or added does not open. Inside is a list of records: the [`Card`], the key that
//! row keys are hashed under, the rows with their plain values, and an end with their count.
//! The data key is not among them: who imports seals the rows under a new one.

mod card;
mod error;
mod header;
mod open;
mod passphrase;
mod record;
mod seal;
mod stream;

pub use card::{Card, PortableProxy};
pub use error::ArchiveError;
pub use passphrase::Passphrase;

pub(crate) use record::{Record, RowRecord};
pub(crate) use seal::SealWriter;

use std::io::SeekFrom;

use pombal_store::keys::{DATA_KEY_BYTES, DataKey};
use tokio::io::{AsyncRead, AsyncSeek, AsyncSeekExt};
use zeroize::Zeroizing;

use header::Header;
use open::OpenReader;
use passphrase::FileKey;

/// An exported session that is being read.
pub struct Archive<R> {
    header: Header,
    key: FileKey,
    records: OpenReader<R>,
    card: Card,
    row_key: Zeroizing<[u8; DATA_KEY_BYTES]>,
}

impl<R: AsyncRead + AsyncSeek + Unpin + Send> Archive<R> {
    /// Opens an archive that starts where `reader` is, at offset 0, and reads its card.
    ///
    /// # Errors
    /// Every [`ArchiveError`] but [`ArchiveError::Session`].
    pub async fn open(mut reader: R, passphrase: &Passphrase) -> Result<Self, ArchiveError> {
        let header = Header::read(&mut reader).await?;
        let key = passphrase.derive(header.kdf()).await?;
        if !key.confirms(&header) {
            return Err(ArchiveError::Passphrase);
        }
        let mut records = OpenReader::new(reader, &header, &key)?;
        let (card, row_key) = front(&mut records).await?;
        Ok(Self {
            header,
            key,
            records,
            card,
            row_key,
        })
    }

    /// Reads to the end, so that damage anywhere is found, and goes back to the first row.
    /// Returns how many rows there are.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn verify(&mut self) -> Result<u64, ArchiveError> {
        let mut rows = 0;
        while self.next_row().await?.is_some() {
            rows += 1;
        }
        let reader = self.records.reader();
        reader.seek(SeekFrom::Start(Header::BYTES as u64)).await?;
        self.records.restart(&self.header, &self.key)?;
        let (card, row_key) = front(&mut self.records).await?;
        if card != self.card || row_key != self.row_key {
            return Err(ArchiveError::Content("changed while it was read"));
        }
        Ok(rows)
    }

    /// What the archive says about the instance.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// `key` with the row key of this archive: what its rows are to be imported under.
    #[must_use]
    pub fn adopt(&self, key: DataKey) -> DataKey {
        key.with_row_key(*self.row_key)
    }

    /// The next row; `None` at the end, once it is proved to be the end.
    pub(crate) async fn next_row(&mut self) -> Result<Option<RowRecord>, ArchiveError> {
        match self.records.next().await? {
            Record::Row(row) => Ok(Some(row)),
            Record::End { rows } => {
                self.records.expect_end(rows).await?;
                Ok(None)
            }
            Record::Card(_) | Record::RowKey(_) => {
                Err(ArchiveError::Content("a second card among the rows"))
            }
        }
    }
}

type Front = (Card, Zeroizing<[u8; DATA_KEY_BYTES]>);

/// The records before the first row.
async fn front<R: AsyncRead + Unpin>(records: &mut OpenReader<R>) -> Result<Front, ArchiveError> {
    let Record::Card(card) = records.next().await? else {
        return Err(ArchiveError::Content("no card"));
    };
    let Record::RowKey(row_key) = records.next().await? else {
        return Err(ArchiveError::Content("no row key"));
    };
    Ok((*card, row_key))
}

#[cfg(test)]
mod tests;
