//! The chats of a phone, as history sync shows them.

use std::collections::BTreeMap;

use buffa::{Message as _, MessageField};
use waproto::whatsapp as wa;
use waproto::whatsapp::web_message_info::Status;

use super::content::text_message;
use super::kinds::Kind;
use crate::app_state::change::chat_jid;
use crate::world::account::{Account, PhoneContent};

/// One message of a chat.
struct Item {
    id: String,
    at_ms: u64,
    from_me: bool,
    /// Who sent it, in a group.
    participant: Option<String>,
    message: wa::Message,
}

/// Messages by chat, the newest first.
pub(super) struct Chats(BTreeMap<String, Vec<Item>>);

impl Chats {
    /// Everything that a phone has: what it sent and got, and what was before.
    pub(super) fn of(account: &Account) -> Self {
        let mut chats: BTreeMap<String, Vec<Item>> = BTreeMap::new();
        for old in &account.old_messages {
            chats.entry(old.chat.clone()).or_default().push(Item {
                id: old.id.clone(),
                at_ms: old.at_ms,
                from_me: old.from_me,
                participant: None,
                message: text_message(&old.text),
            });
        }
        for item in account.inbox.iter().filter(|item| stands_alone(item.kind)) {
            let sent = account.outbox.get(&item.id).filter(|_| item.from_me);
            let message = sent.and_then(|sent| match &sent.content {
                PhoneContent::Message(bytes) => wa::Message::decode_from_slice(bytes).ok(),
                _ => None,
            });
            chats.entry(item.chat.clone()).or_default().push(Item {
                id: item.id.clone(),
                at_ms: item.at_ms,
                from_me: item.from_me,
                participant: item.participant.clone().filter(|_| !item.from_me),
                message: message.unwrap_or_else(|| text_message(&item.text)),
            });
        }
        for items in chats.values_mut() {
            // Of two at the same time the later entry is the newer.
            items.sort_by_key(|item| item.at_ms);
            items.reverse();
        }
        Self(chats)
    }

    /// Phone numbers of the other sides.
    pub(super) fn people(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// All chats with their newest messages.
    pub(super) fn newest(&self, per_chat: usize) -> Vec<wa::Conversation> {
        self.0
            .iter()
            .map(|(chat, items)| conversation(chat, items.iter().take(per_chat)))
            .collect()
    }

    /// The messages before those, in chunks.
    pub(super) fn older(&self, per_chat: usize, per_chunk: usize) -> Vec<Vec<wa::Conversation>> {
        let mut chunks = Vec::new();
        let mut chunk = Vec::new();
        let mut room = per_chunk;
        for (chat, items) in &self.0 {
            let mut rest = items.get(per_chat..).unwrap_or_default();
            while !rest.is_empty() {
                let (now, later) = rest.split_at(room.min(rest.len()));
                chunk.push(conversation(chat, now.iter()));
                room -= now.len();
                rest = later;
                if room == 0 {
                    chunks.push(std::mem::take(&mut chunk));
                    room = per_chunk;
                }
            }
        }
        if !chunk.is_empty() {
            chunks.push(chunk);
        }
        chunks
    }
}

/// Whether a message is shown by itself, and not at the message that it is about.
fn stands_alone(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Edit | Kind::Revoke | Kind::Reaction | Kind::Vote
    )
}

fn conversation<'i>(chat: &str, items: impl Iterator<Item = &'i Item>) -> wa::Conversation {
    let id = chat_jid(chat);
    let mut newest = None;
    let messages = items
        .map(|item| {
            newest = newest.max(Some(item.at_ms / 1000));
            wa::HistorySyncMsg {
                message: MessageField::some(web_message(&id, item)),
                ..Default::default()
            }
        })
        .collect();
    wa::Conversation {
        messages,
        conversation_timestamp: newest,
        last_msg_timestamp: newest,
        unread_count: Some(0),
        id,
        ..Default::default()
    }
}

fn web_message(chat: &str, item: &Item) -> wa::WebMessageInfo {
    wa::WebMessageInfo {
        key: MessageField::some(wa::MessageKey {
            remote_jid: Some(chat.to_owned()),
            from_me: Some(item.from_me),
            id: Some(item.id.clone()),
            participant: item.participant.as_deref().map(chat_jid),
        }),
        message: MessageField::some(item.message.clone()),
        message_timestamp: Some(item.at_ms / 1000),
        status: Some(Status::DELIVERY_ACK),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chats(sizes: &[usize]) -> Chats {
        let items = |n: usize| {
            (0..n)
                .rev()
                .map(|at| Item {
                    id: format!("{at}"),
                    at_ms: at as u64 * 1000,
                    from_me: false,
                    participant: None,
                    message: text_message("x"),
                })
                .collect()
        };
        let chat = |(n, size): (usize, &usize)| (format!("551100000000{n}"), items(*size));
        Chats(sizes.iter().enumerate().map(chat).collect())
    }

    #[test]
    fn chunks_hold_every_message_once() {
        let chats = chats(&[0, 3, 12, 25]);
        let count = |chats: &[wa::Conversation]| -> usize {
            chats.iter().map(|chat| chat.messages.len()).sum()
        };
        let newest = chats.newest(5);
        assert_eq!((newest.len(), count(&newest)), (4, 13));
        assert_eq!(newest[3].last_msg_timestamp, Some(24));
        let older = chats.older(5, 10);
        let sizes: Vec<_> = older.iter().map(|chunk| count(chunk)).collect();
        assert_eq!(sizes, [10, 10, 7]);
        assert!(chats.older(25, 10).is_empty());
    }
}
