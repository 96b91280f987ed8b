//! The event journal of an instance: an outbox with gapless sequence numbers.
//!
//! `JournalId` maps an event's id to its sequence number, `JournalPayload` holds what is
//! not yet sent, keyed by sequence number, and `JournalSeq` the last number given out and when.
//! One commit writes all three, so after a crash they agree.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use pombal_domain::time::UnixMs;
use pombal_domain::{EventId, Seq};

use crate::error::Error;
use crate::kind::Kind;
use crate::row_key::RowKey;
use crate::session::Session;
use crate::write::{Expiry, Write};

/// How long the id of a sent event is remembered at least.
pub const SENT_TOMBSTONE_TTL: Duration = Duration::from_secs(24 * 3600);

/// An event to append.
pub struct JournalRow {
    /// Idempotency key: the same fact has the same id after a crash.
    pub id: EventId,
    /// Makes the payload once the sequence number is known. Not called when the id is
    /// known already.
    pub make: Box<dyn FnOnce(Seq) -> Vec<u8> + Send>,
}

impl JournalRow {
    /// A row whose payload is made from its sequence number.
    pub fn new(id: EventId, make: impl FnOnce(Seq) -> Vec<u8> + Send + 'static) -> Self {
        Self {
            id,
            make: Box::new(make),
        }
    }
}

impl fmt::Debug for JournalRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalRow")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What [`Session::journal_append`] did with a row.
#[derive(Clone, PartialEq, Eq)]
pub enum Appended {
    /// It is stored under this sequence number.
    New {
        /// Its sequence number.
        seq: Seq,
    },
    /// The id was appended before.
    Existing {
        /// The sequence number it got then.
        seq: Seq,
        /// Whether it was marked as sent.
        sent: bool,
        /// The stored payload, while it is not marked as sent.
        payload: Option<Vec<u8>>,
    },
}

impl Appended {
    /// The event's sequence number.
    #[must_use]
    pub const fn seq(&self) -> Seq {
        match self {
            Self::New { seq } | Self::Existing { seq, .. } => *seq,
        }
    }
}

impl fmt::Debug for Appended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A payload holds message texts.
        match self {
            Self::New { seq } => write!(f, "New({seq})"),
            Self::Existing { seq, sent, .. } => write!(f, "Existing({seq}, sent: {sent})"),
        }
    }
}

impl Session {
    /// Appends events in order, in one durable commit. A new id gets the next sequence
    /// number (the first is 1, no gaps); a known id keeps its own.
    ///
    /// # Errors
    /// [`Error::WrongKey`], [`Error::Wiped`] and every error of a commit. After
    /// [`Error::Commit`] nobody knows whether the events are stored: reopen the shard and
    /// append them again under the same ids.
    pub async fn journal_append(&self, rows: Vec<JournalRow>) -> Result<Vec<Appended>, Error> {
        let mut write = self.write().await?;
        let mut last = self.last_seq(&mut write).await?;
        let mut fresh: HashMap<EventId, (Seq, Vec<u8>)> = HashMap::new();
        let mut appended = Vec::with_capacity(rows.len());
        for JournalRow { id, make } in rows {
            if let Some((seq, payload)) = fresh.get(&id) {
                let (seq, payload) = (*seq, Some(payload.clone()));
                appended.push(Appended::Existing {
                    seq,
                    sent: false,
                    payload,
                });
            } else if let Some(existing) = self.journal_find(id).await? {
                appended.push(existing);
            } else {
                last += 1;
                let seq = Seq(last);
                let payload = make(seq);
                write.put(&self.id_key(id), &id_value(seq, false))?;
                write.put(&self.payload_key(seq), &payload_value(seq, id, &payload))?;
                fresh.insert(id, (seq, payload));
                appended.push(Appended::New { seq });
            }
        }
        if !fresh.is_empty() {
            let row = [last.to_be_bytes(), UnixMs::now().0.to_be_bytes()].concat();
            write.put(&self.keys().only(Kind::JournalSeq), &row)?;
            write.note().last_seq = Some(last);
        }
        // A known id may have been appended a moment ago: its commit must be durable too.
        write.commit_or_barrier().await?;
        Ok(appended)
    }

    /// Marks events as sent: drops their payloads and remembers their ids for
    /// [`SENT_TOMBSTONE_TTL`]. Write-behind: after a crash they may be unsent again.
    ///
    /// # Errors
    /// As [`Self::journal_append`].
    pub async fn journal_sent(&self, ids: &[EventId]) -> Result<(), Error> {
        self.journal_sent_for(ids, SENT_TOMBSTONE_TTL).await
    }

    /// [`Self::journal_sent`] with another time to remember the ids.
    ///
    /// # Errors
    /// As [`Self::journal_append`].
    pub async fn journal_sent_for(&self, ids: &[EventId], ttl: Duration) -> Result<(), Error> {
        let mut write = self.write().await?;
        for id in ids {
            let key = self.id_key(*id);
            let Some(value) = self.get(&key).await? else {
                continue;
            };
            let (seq, sent) = self.decode_id(&value)?;
            if !sent {
                write.put_expiring(&key, &id_value(seq, true), Expiry::After(ttl))?;
                write.delete(&self.payload_key(seq));
            }
        }
        write.commit_behind().await
    }

    /// Events that are not marked as sent, by sequence number. For replay after a crash.
    ///
    /// # Errors
    /// [`Error::WrongKey`], [`Error::Unopenable`] and every error of a read.
    pub async fn journal_unsent(&self) -> Result<Vec<(Seq, EventId, Vec<u8>)>, Error> {
        let mut unsent = Vec::new();
        for row in self.scan(Kind::JournalPayload).await? {
            unsent.push(self.decode_payload(&row.value)?);
        }
        unsent.sort_unstable_by_key(|(seq, ..)| *seq);
        Ok(unsent)
    }

    /// Checks that the session is not older than what others have seen of the instance: an
    /// event is sent only after it is durable here.
    ///
    /// # Errors
    /// [`Error::RolledBack`] when it is, and every error of a read.
    pub async fn expect_seq(&self, known: Seq) -> Result<(), Error> {
        let mut write = self.write().await?;
        let stored = Seq(self.last_seq(&mut write).await?);
        if stored < known {
            return Err(self.alarm(Error::RolledBack {
                instance: self.instance(),
                stored,
                known,
            }));
        }
        Ok(())
    }

    /// When the last event was appended, by the clock of who did; the epoch when there is none.
    ///
    /// # Errors
    /// Every error of a read.
    pub async fn last_event_at(&self) -> Result<UnixMs, Error> {
        let Some(value) = self.get(&self.keys().only(Kind::JournalSeq)).await? else {
            return Ok(UnixMs::default());
        };
        // Earlier versions did not note the time.
        let at = value.get(8..16).and_then(|at| at.try_into().ok());
        Ok(UnixMs(at.map(u64::from_be_bytes).unwrap_or_default()))
    }

    async fn last_seq(&self, write: &mut Write) -> Result<u64, Error> {
        if let Some(last) = write.learn().last_seq {
            return Ok(last);
        }
        let last = match self.get(&self.keys().only(Kind::JournalSeq)).await? {
            Some(value) => u64::from_be_bytes(self.split::<8>(Kind::JournalSeq, &value)?.0),
            None => 0,
        };
        write.learn().last_seq = Some(last);
        Ok(last)
    }

    async fn journal_find(&self, id: EventId) -> Result<Option<Appended>, Error> {
        let Some(value) = self.get(&self.id_key(id)).await? else {
            return Ok(None);
        };
        let (seq, sent) = self.decode_id(&value)?;
        let payload = if sent {
            None
        } else {
            self.get(&self.payload_key(seq)).await?
        };
        let payload = payload
            .map(|value| self.decode_payload(&value).map(|(_, _, payload)| payload))
            .transpose()?;
        Ok(Some(Appended::Existing { seq, sent, payload }))
    }

    fn id_key(&self, id: EventId) -> RowKey {
        self.keys().of(Kind::JournalId, &[id.as_uuid().as_bytes()])
    }

    fn payload_key(&self, seq: Seq) -> RowKey {
        self.keys()
            .of(Kind::JournalPayload, &[&seq.0.to_be_bytes()])
    }

    fn decode_id(&self, value: &[u8]) -> Result<(Seq, bool), Error> {
        let (seq, sent) = self.split::<8>(Kind::JournalId, value)?;
        Ok((Seq(u64::from_be_bytes(seq)), sent.first() == Some(&1)))
    }

    fn decode_payload(&self, value: &[u8]) -> Result<(Seq, EventId, Vec<u8>), Error> {
        let (seq, rest) = self.split::<8>(Kind::JournalPayload, value)?;
        let (id, payload) = self.split::<16>(Kind::JournalPayload, rest)?;
        let id = EventId::from_uuid(uuid::Uuid::from_bytes(id));
        Ok((Seq(u64::from_be_bytes(seq)), id, payload.to_vec()))
    }
}

fn id_value(seq: Seq, sent: bool) -> Vec<u8> {
    [&seq.0.to_be_bytes()[..], &[u8::from(sent)]].concat()
}

fn payload_value(seq: Seq, id: EventId, payload: &[u8]) -> Vec<u8> {
    [&seq.0.to_be_bytes()[..], id.as_uuid().as_bytes(), payload].concat()
}
