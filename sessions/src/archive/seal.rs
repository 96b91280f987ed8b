//! Writing an archive.

use tokio::io::{AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

use super::error::ArchiveError;
use super::header::Header;
use super::passphrase::{Kdf, Passphrase};
use super::record::Record;
use super::stream::{CHUNK_BYTES, SEALED_BYTES, Stream};

/// Seals records into a writer. Without [`Self::finish`] the file is incomplete, and nobody
/// will open it.
pub(crate) struct SealWriter<W> {
    writer: W,
    stream: Stream,
    /// Plain bytes that are not sealed yet, at most a chunk.
    buffer: Zeroizing<Vec<u8>>,
}

impl<W: AsyncWrite + Unpin> SealWriter<W> {
    /// Starts a file: writes its header.
    pub(crate) async fn start(writer: W, passphrase: &Passphrase) -> Result<Self, ArchiveError> {
        Self::start_with(writer, passphrase, Kdf::recommended()?).await
    }

    pub(super) async fn start_with(
        mut writer: W,
        passphrase: &Passphrase,
        kdf: Kdf,
    ) -> Result<Self, ArchiveError> {
        let key = passphrase.derive(kdf).await?;
        let header = Header::new(kdf, key.check);
        writer.write_all(header.bytes()).await?;
        Ok(Self {
            writer,
            stream: Stream::new(&header, &key)?,
            buffer: Zeroizing::new(Vec::with_capacity(SEALED_BYTES)),
        })
    }

    /// Adds a record.
    pub(crate) async fn write(&mut self, record: &Record) -> Result<(), ArchiveError> {
        let bytes = record.encode()?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            // A full chunk is sealed only when more follows: the last one has its own mark.
            if self.buffer.len() == CHUNK_BYTES {
                self.stream.seal(&mut self.buffer, false)?;
                self.writer.write_all(&self.buffer).await?;
                self.buffer.clear();
            }
            let room = CHUNK_BYTES - self.buffer.len();
            let (part, later) = rest.split_at(room.min(rest.len()));
            self.buffer.extend_from_slice(part);
            rest = later;
        }
        Ok(())
    }

    /// Seals the last chunk and gives the writer back, flushed.
    pub(crate) async fn finish(mut self) -> Result<W, ArchiveError> {
        self.stream.seal(&mut self.buffer, true)?;
        self.writer.write_all(&self.buffer).await?;
        self.writer.flush().await?;
        Ok(self.writer)
    }
}
