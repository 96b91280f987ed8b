//! Chunks of history that wait to be told, as rows of the session database.

use pombal_domain::EventId;
use pombal_sessions::Session;
use serde::{Deserialize, Serialize};
use whatsapp_rust::types::events::LazyHistorySync;

use super::Error;

/// Name of the row with the [`List`].
const LIST: &str = "history";

/// The chunks that are there, in the phone's order as far as they have come: the client fetches
/// several at a time.
#[derive(Default, Serialize, Deserialize)]
struct List {
    next: u64,
    waiting: Vec<Waiting>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Waiting {
    number: u64,
    /// What event ids are derived from.
    base: EventId,
    decompressed_bytes: u64,
    /// Its place among the phone's chunks.
    order: Option<u32>,
}

/// A chunk, compressed.
pub(super) struct Chunk {
    pub(super) number: u64,
    pub(super) base: EventId,
    pub(super) compressed: Vec<u8>,
    /// Its size, and the most that is inflated.
    pub(super) decompressed_bytes: u64,
}

pub(super) struct Shelf {
    session: Session,
    list: List,
}

impl Shelf {
    pub(super) async fn open(session: Session) -> Result<Self, Error> {
        let list = match session.get_meta(LIST).await? {
            Some(row) => serde_json::from_slice(&row)?,
            None => List::default(),
        };
        Ok(Self { session, list })
    }

    /// Adds a chunk; it is durable when this returns.
    pub(super) async fn put(&mut self, sync: &LazyHistorySync) -> Result<(), Error> {
        let number = self.list.next;
        let row = sync.compressed_bytes();
        self.session.put_meta(&name(number), row, false).await?;
        self.list.next += 1;
        self.list.waiting.push(Waiting {
            number,
            base: EventId::random(),
            decompressed_bytes: sync.decompressed_size() as u64,
            order: sync.chunk_order(),
        });
        self.list.waiting.sort_by_key(|it| it.order);
        // The list comes last: what it names is there.
        self.save().await
    }

    /// The first chunk. One that is named and not there has no more to tell.
    pub(super) async fn first(&mut self) -> Result<Option<Chunk>, Error> {
        while let Some(first) = self.list.waiting.first().cloned() {
            if let Some(compressed) = self.session.get_meta(&name(first.number)).await? {
                return Ok(Some(Chunk {
                    number: first.number,
                    base: first.base,
                    compressed,
                    decompressed_bytes: first.decompressed_bytes,
                }));
            }
            self.remove(first.number).await?;
        }
        Ok(None)
    }

    pub(super) fn has(&self, number: u64) -> bool {
        self.list.waiting.iter().any(|it| it.number == number)
    }

    pub(super) async fn remove(&mut self, number: u64) -> Result<(), Error> {
        self.list.waiting.retain(|it| it.number != number);
        self.save().await?;
        Ok(self.session.delete_meta(&name(number)).await?)
    }

    pub(super) async fn clear(&mut self) -> Result<(), Error> {
        while let Some(first) = self.list.waiting.first() {
            self.remove(first.number).await?;
        }
        Ok(())
    }

    async fn save(&self) -> Result<(), Error> {
        let row = serde_json::to_vec(&self.list)?;
        Ok(self.session.put_meta(LIST, &row, true).await?)
    }
}

fn name(number: u64) -> String {
    format!("history/{number}")
}
