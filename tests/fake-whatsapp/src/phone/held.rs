//! What a simulated phone holds: the messages of its chats, and what others did to them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use waproto::whatsapp as wa;

use super::chat::group_of;
use super::kinds::{Kind, Reading, read};
use crate::store::Bucket;
use crate::time::now_ms;
use crate::world::World;

/// A message in a phone's inbox.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InboxItem {
    /// Stanza id.
    pub id: String,
    /// The other side: who sent it, or the chat that an own message went to.
    pub from: String,
    /// The words: a text or caption, the new text of an edit, the emoji of a reaction, the
    /// question of a poll, the options of a vote, a name, or a latitude and longitude. Of an
    /// edited message the newest words, of a revoked one nothing.
    pub text: String,
    /// When the phone decrypted it, in milliseconds since 1970.
    pub at_ms: u64,
    /// Sent by a device of this account.
    pub from_me: bool,
    /// What it is.
    pub kind: Kind,
    /// The chat: the phone number of the other side, or the JID of a group.
    pub chat: String,
    /// Phone number of who sent it, in a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub participant: Option<String>,
    /// Id of the older message that this one edits, revokes, reacts to or votes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Id of the message that it quotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted: Option<String>,
    /// JIDs that it mentions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<String>,
    /// Lifetime in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration: Option<u32>,
    /// To be seen once.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub view_once: bool,
    /// Options of a poll.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Someone changed its text.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub edited: bool,
    /// Someone took it back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub revoked: bool,
    /// Emoji by the phone number of who reacted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reactions: BTreeMap<String, String>,
    /// Chosen options by the phone number of who voted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub votes: BTreeMap<String, Vec<String>>,
}

impl InboxItem {
    /// Phone number of who sent it. `own` is the phone that holds it.
    pub(super) fn sender<'i>(&'i self, own: &'i str) -> &'i str {
        if self.from_me {
            own
        } else {
            self.participant.as_deref().unwrap_or(&self.from)
        }
    }
}

/// A message that comes to a phone.
#[derive(Clone, Copy)]
pub(crate) struct Arrival<'a> {
    pub(crate) id: &'a str,
    /// The chat, as the receiving phone names it.
    pub(crate) chat: &'a str,
    /// Phone number of the sending account.
    pub(crate) sender: &'a str,
    pub(crate) message: &'a wa::Message,
}

impl World {
    /// Puts a message in a phone's inbox, and does what it says to older ones. A message that
    /// the phone holds already changes nothing.
    pub(crate) fn phone_holds(&mut self, phone: &str, arrival: &Arrival<'_>) {
        let Some(mut reading) = read(arrival.message) else {
            return;
        };
        if self.holds(phone, arrival) {
            return;
        }
        self.phone_keeps_file(phone, arrival.id, arrival.message);
        self.keep_secret(phone, arrival, &reading);
        let vote = self.open_vote(phone, arrival, &reading);
        if let Some(options) = &vote {
            reading.text = options.join(", ");
        }
        self.change_older(phone, arrival, &reading, vote);
        self.add_to_inbox(phone, arrival, reading);
    }

    fn holds(&self, phone: &str, arrival: &Arrival<'_>) -> bool {
        let is_it = |item: &InboxItem| {
            item.id == arrival.id
                && item.chat == arrival.chat
                && item.sender(phone) == arrival.sender
        };
        self.accounts
            .get(phone)
            .is_none_or(|account| account.inbox.iter().rev().any(is_it))
    }

    fn add_to_inbox(&mut self, phone: &str, arrival: &Arrival<'_>, reading: Reading) {
        let from_me = arrival.sender == phone;
        let in_group = group_of(arrival.chat).is_some();
        let from = if from_me {
            arrival.chat
        } else {
            arrival.sender
        };
        let item = InboxItem {
            id: arrival.id.to_owned(),
            from: from.to_owned(),
            text: reading.text,
            at_ms: now_ms(),
            from_me,
            kind: reading.kind,
            chat: arrival.chat.to_owned(),
            participant: in_group.then(|| arrival.sender.to_owned()),
            target: reading.target,
            quoted: reading.quoted,
            mentions: reading.mentions,
            expiration: reading.expiration,
            view_once: reading.view_once,
            options: reading.options,
            ..InboxItem::default()
        };
        let Some(account) = self.accounts.get_mut(phone) else {
            return;
        };
        account.inbox.push(item);
        let index = account.inbox.len() - 1;
        self.save_item(phone, index);
    }

    /// Edits, takes back, reacts or votes. Only who wrote a message changes it; in groups admins
    /// may take back what others wrote.
    fn change_older(
        &mut self,
        phone: &str,
        arrival: &Arrival<'_>,
        reading: &Reading,
        vote: Option<Vec<String>>,
    ) {
        let Some(index) = self.index_of(phone, arrival.chat, reading.target.as_deref()) else {
            return;
        };
        let admin = group_of(arrival.chat)
            .and_then(|jid| self.group(&jid))
            .is_some_and(|group| group.is_admin(arrival.sender));
        let Some(item) = self
            .accounts
            .get_mut(phone)
            .and_then(|account| account.inbox.get_mut(index))
        else {
            return;
        };
        let author = item.sender(phone) == arrival.sender;
        let voter = arrival.sender.to_owned();
        match reading.kind {
            Kind::Edit if author => {
                item.text.clone_from(&reading.text);
                item.edited = true;
            }
            Kind::Revoke if author || admin => {
                item.text.clear();
                item.revoked = true;
            }
            Kind::Reaction if reading.text.is_empty() => {
                item.reactions.remove(&voter);
            }
            Kind::Reaction => {
                item.reactions.insert(voter, reading.text.clone());
            }
            Kind::Vote => match vote {
                Some(options) => {
                    item.votes.insert(voter, options);
                }
                None => return,
            },
            _ => return,
        }
        self.save_item(phone, index);
    }

    /// Where a phone holds a message.
    pub(super) fn index_of(&self, phone: &str, chat: &str, id: Option<&str>) -> Option<usize> {
        let id = id?;
        let inbox = &self.accounts.get(phone)?.inbox;
        inbox
            .iter()
            .position(|item| item.id == id && item.chat == chat)
    }

    fn save_item(&mut self, phone: &str, index: usize) {
        if let Some(account) = self.accounts.get(phone)
            && let Some(item) = account.inbox.get(index)
        {
            let key = format!("{phone}/{index:010}");
            self.store.put(Bucket::Inbox, key, item);
        }
    }

    fn keep_secret(&mut self, phone: &str, arrival: &Arrival<'_>, reading: &Reading) {
        let (Some(secret), Kind::Poll) = (reading.secret, reading.kind) else {
            return;
        };
        if let Some(account) = self.accounts.get_mut(phone) {
            let message = format!("{}/{}", arrival.chat, arrival.id);
            let key = format!("{phone}/{message}");
            self.store.put(Bucket::MessageSecret, key, &secret);
            account.secrets.insert(message, secret);
        }
    }
}
