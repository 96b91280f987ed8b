//! Reading an archive.

use tokio::io::{AsyncRead, AsyncReadExt};
use zeroize::Zeroizing;

use super::error::ArchiveError;
use super::header::Header;
use super::passphrase::FileKey;
use super::record::{self, Record};
use super::stream::{CHUNK_BYTES, SEALED_BYTES, Stream};

/// Opens records from a reader. It gives out no byte of a chunk before the whole chunk is
/// proved.
pub(super) struct OpenReader<R> {
    reader: R,
    stream: Stream,
    /// First byte of the next chunk: only who looks ahead knows which chunk is the last.
    ahead: Option<u8>,
    /// Opened bytes, of which the first `taken` were given out.
    plain: Zeroizing<Vec<u8>>,
    taken: usize,
    /// Rows given out so far.
    rows: u64,
}

impl<R: AsyncRead + Unpin> OpenReader<R> {
    /// Reads chunks from `reader`, which is just behind the header.
    pub(super) fn new(reader: R, header: &Header, key: &FileKey) -> Result<Self, ArchiveError> {
        Ok(Self {
            reader,
            stream: Stream::new(header, key)?,
            ahead: None,
            plain: Zeroizing::default(),
            taken: 0,
            rows: 0,
        })
    }

    /// The reader, to move it to the first chunk before a [`Self::restart`].
    pub(super) fn reader(&mut self) -> &mut R {
        &mut self.reader
    }

    /// Starts again at the first chunk.
    pub(super) fn restart(&mut self, header: &Header, key: &FileKey) -> Result<(), ArchiveError> {
        self.stream = Stream::new(header, key)?;
        self.ahead = None;
        self.plain.clear();
        self.taken = 0;
        self.rows = 0;
        Ok(())
    }

    /// The next record.
    pub(super) async fn next(&mut self) -> Result<Record, ArchiveError> {
        let head = self.bytes(record::HEAD_BYTES).await?;
        let (tag, length) = record::head(&head)?;
        let body = self.bytes(length).await?;
        let record = Record::decode(tag, &body)?;
        self.rows += u64::from(matches!(record, Record::Row(_)));
        Ok(record)
    }

    /// Proves that there were `rows` rows and that nothing follows.
    pub(super) async fn expect_end(&mut self, rows: u64) -> Result<(), ArchiveError> {
        if rows != self.rows {
            return Err(ArchiveError::Content("rows are missing"));
        }
        if self.taken < self.plain.len() || self.next_chunk().await? {
            return Err(ArchiveError::Content("something follows the end"));
        }
        Ok(())
    }

    async fn bytes(&mut self, count: usize) -> Result<Zeroizing<Vec<u8>>, ArchiveError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(count.min(CHUNK_BYTES)));
        while bytes.len() < count {
            if self.taken == self.plain.len() && !self.next_chunk().await? {
                return Err(ArchiveError::Content("it ends within a record"));
            }
            let end = self.plain.len().min(self.taken + count - bytes.len());
            bytes.extend_from_slice(&self.plain[self.taken..end]);
            self.taken = end;
        }
        Ok(bytes)
    }

    /// Opens the next chunk; false when there is none.
    async fn next_chunk(&mut self) -> Result<bool, ArchiveError> {
        if self.stream.has_ended() {
            return Ok(false);
        }
        let chunk = &mut *self.plain;
        chunk.clear();
        self.taken = 0;
        chunk.extend(self.ahead.take());
        let wanted = SEALED_BYTES + 1 - chunk.len();
        (&mut self.reader)
            .take(wanted as u64)
            .read_to_end(chunk)
            .await?;
        if chunk.len() > SEALED_BYTES {
            self.ahead = chunk.pop();
        }
        self.stream.open(chunk, self.ahead.is_none())?;
        Ok(true)
    }
}
