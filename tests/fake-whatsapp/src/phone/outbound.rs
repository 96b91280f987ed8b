//! What a simulated phone sends.

use buffa::Message as _;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node};
use waproto::whatsapp as wa;

use super::content::{device_sent, padded, text_message};
use super::keyshare::sync_key_message;
use crate::addr::Addr;
use crate::error::Error;
use crate::nodes::message_id;
use crate::store::Bucket;
use crate::time::{now_ms, now_secs};
use crate::world::World;
use crate::world::account::{InboxItem, PhoneContent, PhoneSent};

impl World {
    /// A person types a message on a simulated phone.
    pub(crate) fn phone_says(
        &mut self,
        from: &str,
        to: &str,
        text: &str,
        id: Option<&str>,
    ) -> Result<String, Error> {
        let message = text_message(text);
        let id = self.phone_sends(from, to, &message, id)?;
        // Both ends of a phone-to-phone copy live here; it needs no wire.
        self.add_to_inbox(from, &id, to, text, true);
        if from != to {
            self.add_to_inbox(to, &id, from, text, false);
        }
        Ok(id)
    }

    /// Sends any message to all companions of both sides. Returns the message id.
    pub(crate) fn phone_sends(
        &mut self,
        from: &str,
        to: &str,
        message: &wa::Message,
        id: Option<&str>,
    ) -> Result<String, Error> {
        let id = match id {
            Some(id) if self.account(from)?.known.contains(id) => {
                return Err(Error::BadRequest(format!(
                    "message id {id} was used before"
                )));
            }
            Some(id) => id.to_owned(),
            None => message_id(),
        };
        let sent = PhoneSent {
            to: to.to_owned(),
            content: PhoneContent::Message(message.encode_to_vec()),
        };
        let own = Addr::phone(from);
        let receiver = Addr::phone(to);
        let mut companions = self.account(to)?.addrs();
        if from != to {
            companions.extend(self.account(from)?.addrs());
        }
        for companion in companions.into_iter().filter(|addr| addr.device != 0) {
            self.phone_sends_to(&companion, &own, &id, &sent, None);
        }
        self.remember_outgoing(from, &id, sent);
        self.remember_peers(from, &receiver.phone);
        Ok(id)
    }

    /// Encrypts one message for one companion and queues it. `retry` is the count of a resend.
    pub(crate) fn phone_sends_to(
        &mut self,
        to: &Addr,
        from: &Addr,
        id: &str,
        sent: &PhoneSent,
        retry: Option<&str>,
    ) {
        if let Err(error) = self.try_phone_send(to, from, id, sent, retry) {
            tracing::warn!(%error, %to, id, "simulated phone could not send");
        }
    }

    fn try_phone_send(
        &mut self,
        to: &Addr,
        from: &Addr,
        id: &str,
        sent: &PhoneSent,
        retry: Option<&str>,
    ) -> Result<(), Error> {
        let has_session = self.account(&from.phone)?.phone.has_session(to);
        let bundle = if has_session {
            None
        } else {
            self.take_companion_bundle(to)
        };
        let account = self.account_mut(&from.phone)?;
        if let Some(bundle) = bundle {
            account.phone.start_session(to, &bundle)?;
        }
        let own = to.phone == from.phone;
        let message = match &sent.content {
            PhoneContent::SyncKey => sync_key_message(account),
            PhoneContent::Peer(bytes) => {
                wa::Message::decode_from_slice(bytes).map_err(Error::proto)?
            }
            PhoneContent::Message(bytes) => {
                let message = wa::Message::decode_from_slice(bytes).map_err(Error::proto)?;
                if own && sent.to != from.phone {
                    device_sent(message, Jid::pn(sent.to.as_str()).to_string())
                } else {
                    message
                }
            }
        };
        let (enc_type, bytes) = account.phone.encrypt(to, &padded(&message))?;
        let jid = account.jid(0);
        let mut enc = NodeBuilder::new("enc")
            .attr("v", "2")
            .attr("type", enc_type);
        if let Some(count) = retry {
            enc = enc.attr("count", count);
        }
        let mut stanza = NodeBuilder::new("message")
            .attr("from", &jid)
            .attr("id", id)
            .attr("type", "text")
            .attr("t", now_secs().to_string())
            .attr("notify", account.row.name.as_str())
            .attr("sender_lid", account.lid(0));
        if matches!(sent.content, PhoneContent::SyncKey | PhoneContent::Peer(_)) {
            stanza = stanza.attr("category", "peer");
        } else if own {
            stanza = stanza.attr("recipient", Jid::pn(sent.to.as_str()));
        }
        let node: Node = stanza.children([enc.bytes(bytes).build()]).build();
        if let Some(account) = self.accounts.get_mut(&from.phone) {
            account.phone.save(&from.phone, &mut self.store);
        }
        self.deliver_to(to, "message", id, &jid, &node);
        Ok(())
    }

    /// Keeps a sent message for resends, and its id for receipts.
    pub(crate) fn remember_outgoing(&mut self, phone: &str, id: &str, sent: PhoneSent) {
        self.store
            .put(Bucket::Outbox, format!("{phone}/{id}"), &sent);
        self.remember_id(phone, id);
        if let Some(account) = self.accounts.get_mut(phone) {
            account.outbox.insert(id.to_owned(), sent);
        }
    }

    /// Notes that this account sent a message with this id.
    pub(crate) fn remember_id(&mut self, phone: &str, id: &str) {
        let Some(account) = self.accounts.get_mut(phone) else {
            return;
        };
        if account.known.insert(id.to_owned()) {
            self.store
                .put_bytes(Bucket::Known, format!("{phone}/{id}"), b"");
        }
    }

    /// Notes that two accounts know each other's device lists.
    pub(crate) fn remember_peers(&mut self, a: &str, b: &str) {
        if a == b {
            return;
        }
        for (one, other) in [(a, b), (b, a)] {
            let Some(account) = self.accounts.get_mut(one) else {
                continue;
            };
            if account.peers.insert(other.to_owned()) {
                self.store
                    .put_bytes(Bucket::Peer, format!("{one}/{other}"), b"");
            }
        }
    }

    /// Puts a message in a phone's inbox.
    pub(crate) fn add_to_inbox(
        &mut self,
        phone: &str,
        id: &str,
        other: &str,
        text: &str,
        own: bool,
    ) {
        let Some(account) = self.accounts.get_mut(phone) else {
            return;
        };
        let item = InboxItem {
            id: id.to_owned(),
            from: other.to_owned(),
            text: text.to_owned(),
            at_ms: now_ms(),
            from_me: own,
        };
        let key = format!("{phone}/{:010}", account.inbox.len());
        self.store.put(Bucket::Inbox, key, &item);
        account.inbox.push(item);
    }
}
