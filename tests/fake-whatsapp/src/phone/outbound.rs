//! What a simulated phone sends.

use buffa::Message as _;
use wacore_binary::Node;
use waproto::whatsapp as wa;

use super::chat::{chat_jid, group_of};
use super::content::{device_sent, padded, text_message};
use super::envelope::Envelope;
use super::held::Arrival;
use super::keyshare::sync_key_message;
use super::status::is_status;
use crate::addr::Addr;
use crate::error::Error;
use crate::nodes::message_id;
use crate::store::Bucket;
use crate::world::World;
use crate::world::account::{PhoneContent, PhoneSent};

impl World {
    /// A person types a message on a simulated phone.
    pub(crate) fn phone_says(
        &mut self,
        from: &str,
        to: &str,
        text: &str,
        id: Option<&str>,
    ) -> Result<String, Error> {
        self.phone_sends(from, to, &text_message(text), id)
    }

    /// Sends any message to a person or, when `to` is the JID of a group, to its members.
    /// Returns the message id.
    pub(crate) fn phone_sends(
        &mut self,
        from: &str,
        to: &str,
        message: &wa::Message,
        id: Option<&str>,
    ) -> Result<String, Error> {
        let id = self.fresh_id(from, id)?;
        match group_of(to) {
            Some(group) => self.phone_sends_to_group(from, &group, message, &id)?,
            None => self.phone_sends_to_person(from, to, message, &id)?,
        }
        Ok(id)
    }

    fn fresh_id(&self, from: &str, id: Option<&str>) -> Result<String, Error> {
        match id {
            Some(id) if self.account(from)?.known.contains(id) => Err(Error::BadRequest(format!(
                "message id {id} was used before"
            ))),
            Some(id) => Ok(id.to_owned()),
            None => Ok(message_id()),
        }
    }

    fn phone_sends_to_person(
        &mut self,
        from: &str,
        to: &str,
        message: &wa::Message,
        id: &str,
    ) -> Result<(), Error> {
        let sent = PhoneSent {
            to: to.to_owned(),
            content: PhoneContent::Message(message.encode_to_vec()),
        };
        let own = Addr::phone(from);
        let mut companions = self.account(to)?.addrs();
        if self.has_blocked(to, from) {
            companions.clear();
        }
        if from != to {
            companions.extend(self.account(from)?.addrs());
        }
        for companion in companions.into_iter().filter(|addr| addr.device != 0) {
            self.phone_sends_to(&companion, &own, id, &sent, None);
        }
        self.remember_outgoing(from, id, sent);
        self.remember_peers(from, to);
        // Both ends of a phone-to-phone copy live here; it needs no wire.
        let mut arrival = Arrival {
            id,
            chat: to,
            sender: from,
            message,
        };
        self.phone_holds(from, &arrival);
        if from != to && !self.has_blocked(to, from) {
            arrival.chat = from;
            self.phone_holds(to, &arrival);
        }
        Ok(())
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
        let tried = match group_of(&sent.to) {
            None if is_status(&sent.to) => Self::refuse_status_again(id),
            Some(group) => self.phone_resends_to_group(to, from, &group, id, sent, retry),
            None => self.try_phone_send(to, from, id, sent, retry),
        };
        if let Err(error) = tried {
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
        self.ensure_session(to, from)?;
        let names = self.sender_names(&from.phone)?;
        let account = self.account_mut(&from.phone)?;
        let own = to.phone == from.phone;
        let (message, envelope) = match &sent.content {
            PhoneContent::SyncKey => (sync_key_message(account), Envelope::default()),
            PhoneContent::Peer(bytes) => {
                let message = wa::Message::decode_from_slice(bytes).map_err(Error::proto)?;
                (message, Envelope::default())
            }
            PhoneContent::Message(bytes) => {
                let message = wa::Message::decode_from_slice(bytes).map_err(Error::proto)?;
                let envelope = Envelope::of(&message);
                let message = if own && sent.to != from.phone {
                    device_sent(message, chat_jid(&sent.to).to_string())
                } else {
                    message
                };
                (message, envelope)
            }
        };
        let (enc_type, bytes) = account.phone.encrypt(to, &padded(&message))?;
        let jid = names.from.clone();
        let mut stanza = names.mark(envelope.stanza(&jid, id, &account.row.name));
        if matches!(sent.content, PhoneContent::SyncKey | PhoneContent::Peer(_)) {
            stanza = stanza.attr("category", "peer");
        } else if own {
            stanza = self.with_recipient(stanza, names.by_lid, &sent.to);
        }
        let content = envelope.children([envelope.enc(enc_type, bytes, retry)]);
        let node: Node = stanza.children(content).build();
        self.save_phone(&from.phone);
        self.deliver_to(to, "message", id, &jid, &node);
        Ok(())
    }

    /// Makes sure that a phone can write to a companion.
    pub(super) fn ensure_session(&mut self, to: &Addr, from: &Addr) -> Result<(), Error> {
        if self.account(&from.phone)?.phone.has_session(to) {
            return Ok(());
        }
        match self.take_companion_bundle(to) {
            Some(bundle) => self
                .account_mut(&from.phone)?
                .phone
                .start_session(to, &bundle),
            None => Ok(()),
        }
    }

    /// Writes what changed in a phone's Signal state.
    pub(super) fn save_phone(&mut self, phone: &str) {
        if let Some(account) = self.accounts.get_mut(phone) {
            account.phone.save(phone, &mut self.store);
        }
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
}
