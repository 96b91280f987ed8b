//! What a simulated phone sends to a group.

use std::collections::HashSet;

use buffa::{Message as _, MessageField};
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node};
use waproto::whatsapp as wa;

use super::content::padded;
use super::envelope::Envelope;
use super::held::Arrival;
use crate::addr::Addr;
use crate::error::Error;
use crate::groups::access::NOT_ADMIN;
use crate::groups::{Addressing, Group};
use crate::store::Bucket;
use crate::world::World;
use crate::world::account::{PhoneContent, PhoneSent};

impl World {
    /// Encrypts once with the phone's sender key, gives the key to the devices that lack it,
    /// and queues for all companions of all members.
    pub(super) fn phone_sends_to_group(
        &mut self,
        from: &str,
        jid: &Jid,
        message: &wa::Message,
        id: &str,
    ) -> Result<(), Error> {
        let group = self.group_as_member(jid, from)?.clone();
        if group.announcement && !group.is_admin(from) {
            return Err(NOT_ADMIN.into());
        }
        let chat = jid.to_string();
        let own = Addr::phone(from);
        let phone = &mut self.account_mut(from)?.phone;
        let distribution = distribution(&chat, phone.distribution(&chat, &own)?);
        let shared = phone.encrypt_for_group(&chat, &own, &padded(message))?;
        let envelope = Envelope::of(message);
        for device in self.companions_of(&group) {
            let given = self.gives_key(&chat, &own, &device, &envelope, &distribution);
            let key = match given {
                Ok(key) => key,
                Err(error) => {
                    // The device asks again for what it cannot read.
                    tracing::warn!(%error, %device, id, "no sender key for a companion");
                    None
                }
            };
            let copies = key
                .into_iter()
                .chain([envelope.enc("skmsg", shared.clone(), None)]);
            let content = envelope.children(copies);
            if let Some(stanza) = self.group_stanza(&group, &own, &envelope, id) {
                let node = stanza.children(content).build();
                self.deliver_to(&device, "message", id, jid, &node);
            }
        }
        self.save_phone(from);
        let sent = PhoneSent {
            to: chat.clone(),
            content: PhoneContent::Message(message.encode_to_vec()),
        };
        self.remember_outgoing(from, id, sent);
        // The phones of the members live here; between them nothing goes over a wire.
        let arrival = Arrival {
            id,
            chat: &chat,
            sender: from,
            message,
        };
        for member in group.members.keys() {
            self.phone_holds(member, &arrival);
        }
        Ok(())
    }

    /// The sender key for one device, unless it has it.
    pub(super) fn gives_key(
        &mut self,
        chat: &str,
        own: &Addr,
        device: &Addr,
        envelope: &Envelope,
        distribution: &wa::Message,
    ) -> Result<Option<Node>, Error> {
        let given = &self.account(&own.phone)?.phone.sender_keys.given;
        if given.get(chat).is_some_and(|given| given.contains(device)) {
            return Ok(None);
        }
        self.ensure_session(device, own)?;
        let phone = &mut self.account_mut(&own.phone)?.phone;
        let (enc_type, bytes) = phone.encrypt(device, &padded(distribution))?;
        self.note_given(chat, own, device);
        Ok(Some(envelope.enc(enc_type, bytes, None)))
    }

    fn note_given(&mut self, chat: &str, own: &Addr, device: &Addr) {
        if let Some(account) = self.accounts.get_mut(&own.phone) {
            let given = account.phone.sender_keys.given.entry(chat.to_owned());
            given.or_default().insert(device.clone());
            let key = format!("{}/{chat}/{device}", own.phone);
            self.store.put_bytes(Bucket::SenderKeyGiven, key, b"");
        }
    }

    /// A companion could not read: it gets the message again for itself, with the key for the
    /// next ones.
    pub(super) fn phone_resends_to_group(
        &mut self,
        to: &Addr,
        from: &Addr,
        jid: &Jid,
        id: &str,
        sent: &PhoneSent,
        retry: Option<&str>,
    ) -> Result<(), Error> {
        let PhoneContent::Message(bytes) = &sent.content else {
            return Ok(());
        };
        let group = self.group_as_member(jid, &from.phone)?.clone();
        if !group.has(&to.phone) {
            return Ok(());
        }
        let mut message = wa::Message::decode_from_slice(bytes).map_err(Error::proto)?;
        let envelope = Envelope::of(&message);
        self.ensure_session(to, from)?;
        let chat = jid.to_string();
        let phone = &mut self.account_mut(&from.phone)?.phone;
        let bytes = phone.distribution(&chat, from)?;
        message.sender_key_distribution_message =
            distribution(&chat, bytes).sender_key_distribution_message;
        let (enc_type, bytes) = phone.encrypt(to, &padded(&message))?;
        self.note_given(&chat, from, to);
        self.save_phone(&from.phone);
        let content = envelope.children([envelope.enc(enc_type, bytes, retry)]);
        if let Some(stanza) = self.group_stanza(&group, from, &envelope, id) {
            let node = stanza.children(content).build();
            self.deliver_to(to, "message", id, jid, &node);
        }
        Ok(())
    }

    fn group_stanza(
        &self,
        group: &Group,
        sender: &Addr,
        envelope: &Envelope,
        id: &str,
    ) -> Option<NodeBuilder> {
        let name = self.accounts.get(&sender.phone)?.row.name.clone();
        let stanza = envelope.stanza(&group.jid(), id, &name);
        Some(self.with_group_sender(stanza, group, sender))
    }

    /// Says which device sent something to a group (`wacore/src/messages.rs`,
    /// `parse_message_info`).
    pub(crate) fn with_group_sender(
        &self,
        stanza: NodeBuilder,
        group: &Group,
        sender: &Addr,
    ) -> NodeBuilder {
        let Some(account) = self.accounts.get(&sender.phone) else {
            return stanza;
        };
        let stanza = stanza.attr("addressing_mode", group.addressing.wire());
        match group.addressing {
            Addressing::Lid => stanza
                .attr("participant", account.lid(sender.device))
                .attr("participant_pn", account.jid(0)),
            Addressing::Pn => stanza
                .attr("participant", account.jid(sender.device))
                .attr("participant_lid", account.lid(0)),
        }
    }

    /// All companions of all members.
    fn companions_of(&self, group: &Group) -> Vec<Addr> {
        self.devices_of(group)
            .into_iter()
            .filter(|addr| addr.device != 0)
            .collect()
    }

    /// All devices of all members.
    pub(crate) fn devices_of(&self, group: &Group) -> Vec<Addr> {
        group
            .members
            .keys()
            .filter_map(|phone| self.accounts.get(phone))
            .flat_map(|account| account.addrs())
            .collect()
    }

    /// Members left: the phones of the others make new sender keys, and those who left forget
    /// theirs.
    pub(crate) fn forget_own_sender_keys(&mut self, id: &str, group: &Group, left: &[String]) {
        let chat = Jid::group(id).to_string();
        for member in group.members.keys().chain(left) {
            let own = Addr::phone(member.as_str());
            let Some(account) = self.accounts.get_mut(member) else {
                continue;
            };
            let given: HashSet<Addr> = account.phone.forget_own_key(&chat, &own);
            account.phone.save(member, &mut self.store);
            for device in given {
                let key = format!("{member}/{chat}/{device}");
                self.store.delete(Bucket::SenderKeyGiven, key);
            }
        }
    }
}

/// A message that gives a sender key.
pub(super) fn distribution(group: &str, bytes: Vec<u8>) -> wa::Message {
    wa::Message {
        sender_key_distribution_message: MessageField::some(
            wa::message::SenderKeyDistributionMessage {
                group_id: Some(group.to_owned()),
                axolotl_sender_key_distribution_message: Some(bytes),
            },
        ),
        ..Default::default()
    }
}
