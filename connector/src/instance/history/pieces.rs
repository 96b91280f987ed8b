//! Cuts a chunk of history into pieces that fit into events.

use std::error::Error as StdError;

use pombal_domain::InstanceId;
use pombal_domain::event::{Contact, EventBody, MessageData, OldChat};
use tokio::sync::mpsc;
use whatsapp_rust::wacore::history_sync::{HistorySyncError, HistorySyncStream};
use whatsapp_rust::waproto::whatsapp as wa;
use whatsapp_rust::waproto::whatsapp::history_sync::HistorySyncType;

use super::shelf::Chunk;
use crate::convert::history::{self, Names};

/// The type of chunks that come only if the full history was asked for.
pub(super) const FULL: i32 = HistorySyncType::FULL as i32;
/// Elements of one event.
const MAX_ELEMENTS: usize = 200;
/// About the largest content of one event, in bytes. One message may be larger by itself.
const MAX_BYTES: usize = 200 * 1024;

type Source = Box<dyn StdError + Send + Sync>;

/// What fits into one event.
pub(super) enum Piece {
    Chats(Vec<OldChat>),
    Messages(Vec<MessageData>),
    Contacts(Vec<Contact>),
}

impl Piece {
    pub(super) fn into_body(self) -> EventBody {
        match self {
            Self::Chats(chats) => EventBody::ChatsSet(chats),
            Self::Messages(messages) => EventBody::MessagesSet(messages),
            Self::Contacts(contacts) => EventBody::ContactsUpsert(contacts),
        }
    }
}

/// The pieces of a chunk, in the order of the contract: chats, messages, contacts. The next is
/// made when the one before was taken. Inflating is work for a thread of its own.
pub(super) fn of(
    instance: InstanceId,
    chunk: Chunk,
    no_groups: bool,
) -> mpsc::Receiver<Result<Piece, Source>> {
    let (tx, pieces) = mpsc::channel(1);
    tokio::task::spawn_blocking(move || {
        let cutter = Cutter {
            instance,
            no_groups,
            chunk: &chunk,
            pieces: &tx,
        };
        if let Err(Stop::Unreadable(error)) = cutter.cut() {
            // Fails when nobody wants it any more.
            let _ = tx.blocking_send(Err(error.into()));
        }
    });
    pieces
}

enum Stop {
    Unreadable(HistorySyncError),
    /// Nobody takes pieces any more.
    Unwanted,
}

impl From<HistorySyncError> for Stop {
    fn from(error: HistorySyncError) -> Self {
        Self::Unreadable(error)
    }
}

struct Cutter<'a> {
    instance: InstanceId,
    no_groups: bool,
    chunk: &'a Chunk,
    pieces: &'a mpsc::Sender<Result<Piece, Source>>,
}

impl Cutter<'_> {
    /// Goes through the chunk twice: names and chats are needed before messages, and stand
    /// anywhere in it. Only one conversation is in memory as a whole.
    fn cut(&self) -> Result<(), Stop> {
        let (names, contacts) = self.chats()?;
        self.messages(&names)?;
        self.all(contacts, Piece::Contacts)
    }

    fn stream(&self) -> HistorySyncStream<'_> {
        HistorySyncStream::new(&self.chunk.compressed, self.chunk.decompressed_bytes)
    }

    /// Tells the chats. Returns what people are called.
    fn chats(&self) -> Result<(Names, Vec<Contact>), Stop> {
        let mut stream = self.stream();
        let (mut chats, mut contacts) = (Vec::new(), Vec::new());
        while let Some(chat) = stream.next_conversation()? {
            if self.is_wanted(&chat) {
                chats.push(history::chat(self.instance, &chat));
                contacts.extend(history::contact(self.instance, &chat));
            }
        }
        self.all(chats, Piece::Chats)?;
        let mut names = Names::new();
        for named in stream.remainder()?.pushnames {
            if let (Some(jid), Some(name)) = (named.id, named.pushname)
                && !name.is_empty()
            {
                contacts.push(history::called(self.instance, jid.clone(), name.clone()));
                names.insert(jid, name);
            }
        }
        Ok((names, contacts))
    }

    fn messages(&self, names: &Names) -> Result<(), Stop> {
        let mut stream = self.stream();
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while let Some(chat) = stream.next_conversation()? {
            if !self.is_wanted(&chat) {
                continue;
            }
            let old = chat.messages.iter();
            for old in old.filter_map(|old| old.message.as_option()) {
                let Some(message) = history::message(self.instance, &chat, old, names) else {
                    continue;
                };
                let size = message.message.to_string().len();
                if batch.len() == MAX_ELEMENTS || (bytes > 0 && bytes + size > MAX_BYTES) {
                    self.tell(Piece::Messages(std::mem::take(&mut batch)))?;
                    bytes = 0;
                }
                bytes += size;
                batch.push(message);
            }
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.tell(Piece::Messages(batch))
    }

    /// Broadcasts are no chats, and status updates are gone in a day.
    fn is_wanted(&self, chat: &wa::Conversation) -> bool {
        let is_group = chat.id.ends_with("@g.us");
        !(chat.id.ends_with("@broadcast") || is_group && self.no_groups)
    }

    fn all<T>(&self, mut elements: Vec<T>, piece: impl Fn(Vec<T>) -> Piece) -> Result<(), Stop> {
        while !elements.is_empty() {
            let rest = elements.split_off(elements.len().min(MAX_ELEMENTS));
            self.tell(piece(std::mem::replace(&mut elements, rest)))?;
        }
        Ok(())
    }

    fn tell(&self, piece: Piece) -> Result<(), Stop> {
        let sent = self.pieces.blocking_send(Ok(piece));
        sent.map_err(|_| Stop::Unwanted)
    }
}
