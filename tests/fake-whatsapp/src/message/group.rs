//! The way of a message to a group (`wacore/src/send/group.rs`).

use serde_json::json;
use wacore::messages::MessageUtils;
use wacore_binary::builder::NodeBuilder;

use super::route::{MALFORMED, NO_RECEIVER, Opened, message_ack, message_ack_with};
use super::stanza::{Incoming, Part};
use crate::addr::Addr;
use crate::groups::{Addressing, Group};
use crate::time::now_secs;
use crate::world::World;
use crate::world::conns::ConnId;
use crate::world::group_rules::SenderKeyUse;

/// The sender is not in the group.
const NOT_MEMBER: u16 = 403;
/// Only admins send to this group.
const ADMINS_ONLY: u16 = 420;
/// The sender names members in the wrong namespace (`wacore/src/protocol/nack.rs`).
const STALE_ADDRESSING: u16 = 421;

impl World {
    /// A companion sends to a group.
    pub(super) fn group_message(&mut self, conn: ConnId, from: &Addr, incoming: &Incoming) {
        let group = match self.group_for_message(from, incoming) {
            Ok(group) => group,
            Err(code) => {
                let ack = message_ack(&incoming.id, &incoming.to, Some(code));
                return self.send(conn, &ack);
            }
        };
        self.check_shared(from, &group, incoming);
        let opened = self.open_in_group(from, &group, incoming);
        let content = opened
            .read
            .first()
            .map(|(_, content)| content.fingerprint());
        let again = self.check_message_id(from, &incoming.id, content, incoming.is_retry);
        let phash = self.other_phash(&group, incoming);
        if let Some(ours) = &phash {
            let details = json!({"id": incoming.id, "ours": ours, "theirs": incoming.phash});
            self.seen.add("phash-mismatch", Some(from), details);
        }
        let ack = message_ack_with(&incoming.id, &incoming.to, None, phash.as_deref());
        self.send(conn, &ack);
        if again && !incoming.is_retry {
            return;
        }
        self.remember_id(&from.phone, &incoming.id);
        self.forward_in_group(from, &group, incoming);
        for phone in &opened.failed {
            self.phone_asks_again_in_group(phone, from, &group, &incoming.id);
        }
        for (phone, content) in &opened.read {
            self.phone_got_in_group(&phone.phone, from, &group, &incoming.id, content);
        }
    }

    fn group_for_message(&mut self, from: &Addr, incoming: &Incoming) -> Result<Group, u16> {
        let Some(group) = self.group(&incoming.to).cloned() else {
            return Err(NO_RECEIVER);
        };
        if !group.has(&from.phone) {
            // A resend answers a request that was made before.
            if !incoming.is_retry {
                self.check_member(from, &group, &incoming.id);
            }
            return Err(NOT_MEMBER);
        }
        if group.announcement && !group.is_admin(&from.phone) {
            return Err(ADMINS_ONLY);
        }
        let addressing = incoming.addressing.as_deref();
        if addressing.is_some_and(|addressing| addressing != group.addressing.wire()) {
            return Err(STALE_ADDRESSING);
        }
        if incoming.shared.is_none() && !incoming.is_retry {
            return Err(MALFORMED);
        }
        Ok(group)
    }

    fn check_shared(&mut self, from: &Addr, group: &Group, incoming: &Incoming) {
        let Some(shared) = &incoming.shared else {
            return;
        };
        let phones = incoming.parts.iter().filter(|part| part.to.device == 0);
        let used = SenderKeyUse {
            stanza_id: &incoming.id,
            bytes: &shared.bytes,
            given: phones.map(|part| part.to.phone.clone()).collect(),
        };
        self.check_sender_key_use(from, group, &used);
    }

    /// Has the phones of the members decrypt: first the sender keys, then the message.
    fn open_in_group(&mut self, from: &Addr, group: &Group, incoming: &Incoming) -> Opened {
        let copies = self.open_copies(from, incoming);
        let jid = group.jid();
        let mut opened = Opened::default();
        for (phone, content) in copies.read {
            if let Err(error) = self.phone_learns_key(&phone, from, &jid, &content) {
                let details = json!({"id": incoming.id, "error": error.to_string()});
                self.seen.add("sender-key-unusable", Some(from), details);
            }
            // A resend is the message itself, for one device.
            if incoming.is_retry {
                opened.read.push((phone, content));
            }
        }
        let Some(shared) = &incoming.shared else {
            opened.failed = copies.failed;
            return opened;
        };
        for phone in group.members.keys() {
            let addr = Addr::phone(phone.as_str());
            match self.phone_opens_shared(phone, from, &jid, &shared.bytes) {
                Ok(content) => opened.read.push((addr, content)),
                Err(error) => {
                    let details = json!({
                        "id": incoming.id, "phone_of": phone, "error": error.to_string(),
                    });
                    self.seen.add("message-undecryptable", Some(from), details);
                    opened.failed.push(addr);
                }
            }
        }
        opened
    }

    /// Hands the message to the companions of all members, each with its own sender key.
    fn forward_in_group(&mut self, from: &Addr, group: &Group, incoming: &Incoming) {
        let receivers: Vec<Addr> = if incoming.shared.is_some() {
            self.devices_of(group)
        } else {
            incoming.parts.iter().map(|part| part.to.clone()).collect()
        };
        let companions = receivers
            .into_iter()
            .filter(|to| to.device != 0 && to != from && group.has(&to.phone));
        for to in companions {
            let part = incoming.parts.iter().find(|part| part.to == to);
            self.forward_to_member(from, group, incoming, &to, part);
        }
    }

    fn forward_to_member(
        &mut self,
        from: &Addr,
        group: &Group,
        incoming: &Incoming,
        to: &Addr,
        part: Option<&Part>,
    ) {
        let Ok(sender) = self.account(&from.phone) else {
            return;
        };
        let jid = group.jid();
        let mut stanza = NodeBuilder::new("message")
            .attr("from", &jid)
            .attr("id", incoming.id.as_str())
            .attr("type", incoming.kind.as_str())
            .attr("t", now_secs().to_string())
            .attr("notify", sender.row.name.as_str());
        stanza = self.with_group_sender(stanza, group, from);
        if let Some(edit) = &incoming.edit {
            stanza = stanza.attr("edit", edit.as_str());
        }
        // Whose identity it is only matters beside a copy that starts a session.
        let introduces = part.is_some_and(|part| part.enc_type == "pkmsg");
        let rest = incoming.rest.iter();
        let rest = rest.filter(|node| introduces || node.tag != "device-identity");
        let copies = part
            .map(|part| part.enc.clone())
            .into_iter()
            .chain(incoming.shared.as_ref().map(|shared| shared.enc.clone()));
        let node = stanza.children(copies.chain(rest.cloned())).build();
        self.deliver_to(to, "message", &incoming.id, &jid, &node);
    }

    /// The hash of the group's devices, if the sender has another one.
    fn other_phash(&self, group: &Group, incoming: &Incoming) -> Option<String> {
        let theirs = incoming.phash.as_ref()?;
        let devices: Vec<_> = self
            .devices_of(group)
            .iter()
            .filter(|addr| !self.absent.contains(&addr.phone))
            .filter_map(|addr| {
                let account = self.accounts.get(&addr.phone)?;
                Some(match group.addressing {
                    Addressing::Lid => account.lid(addr.device),
                    Addressing::Pn => account.jid(addr.device),
                })
            })
            .collect();
        let ours = MessageUtils::participant_list_hash(&devices).ok()?;
        (ours != *theirs).then_some(ours)
    }

    /// The hash of the members as people, which answers of unchanged groups are spared with.
    pub(crate) fn members_hash(&self, group: &Group) -> String {
        let members: Vec<_> = group
            .members
            .keys()
            .filter_map(|phone| self.group_names(group.addressing, phone))
            .map(|(jid, _)| jid)
            .collect();
        MessageUtils::participant_list_hash(&members).unwrap_or_default()
    }
}
