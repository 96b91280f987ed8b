//! The way of a message from one device to the others.

use serde_json::json;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, JidExt as _, Node, NodeRef};

use super::stanza::{Incoming, Part};
use crate::addr::Addr;
use crate::nodes::{attr, jid_attr};
use crate::phone::cipher::Parsed;
use crate::phone::content::Content;
use crate::time::now_secs;
use crate::world::World;
use crate::world::conns::ConnId;

/// The stanza is malformed (`whatsapp-rust/src/client/node_io.rs`, `take_ack_waiter`).
pub(super) const MALFORMED: u16 = 400;
/// There is no such receiver.
pub(super) const NO_RECEIVER: u16 = 404;

/// What the simulated phones among the receivers made of a message.
#[derive(Default)]
pub(super) struct Opened {
    pub(super) read: Vec<(Addr, Content)>,
    pub(super) failed: Vec<Addr>,
}

impl World {
    /// A companion sends a message.
    pub(crate) fn message(&mut self, conn: ConnId, from: &Addr, node: &NodeRef<'_>) {
        let Some(incoming) = Incoming::read(self, from, node) else {
            let to = jid_attr(node, "to").unwrap_or_default();
            let id = attr(node, "id").unwrap_or_default();
            return self.send(conn, &message_ack(&id, &to, Some(MALFORMED)));
        };
        self.log_message(from, &incoming);
        if incoming.to.is_group() {
            return self.group_message(conn, from, &incoming);
        }
        if self
            .resolve(&incoming.to)
            .is_none_or(|to| !self.exists(&to.phone))
        {
            let ack = message_ack(&incoming.id, &incoming.to, Some(NO_RECEIVER));
            return self.send(conn, &ack);
        }
        let opened = self.open_copies(from, &incoming);
        let content = opened
            .read
            .first()
            .map(|(_, content)| content.fingerprint());
        let again = self.check_message_id(from, &incoming.id, content, incoming.is_retry);
        self.send(conn, &message_ack(&incoming.id, &incoming.to, None));
        if again && !incoming.is_retry {
            return;
        }
        self.remember_id(&from.phone, &incoming.id);
        let reaches = |world: &Self, to: &Addr| !world.has_blocked(&to.phone, &from.phone);
        for part in incoming.parts.iter().filter(|part| part.to.device != 0) {
            if reaches(self, &part.to) {
                self.forward(from, &incoming, part);
            }
        }
        for phone in &opened.failed {
            if reaches(self, phone) {
                self.phone_asks_again(phone, from, &incoming.id, &incoming.to);
            }
        }
        for (phone, content) in &opened.read {
            if !reaches(self, phone) {
                continue;
            }
            self.remember_peers(&from.phone, &phone.phone);
            self.phone_got(phone, from, &incoming.id, content, incoming.to.is_lid());
        }
    }

    /// Has the simulated phones among the receivers decrypt their copies.
    pub(super) fn open_copies(&mut self, from: &Addr, incoming: &Incoming) -> Opened {
        let mut opened = Opened::default();
        for part in &incoming.parts {
            let Ok(parsed) = Parsed::parse(&part.enc_type, &part.bytes) else {
                self.seen.add(
                    "message-unreadable",
                    Some(from),
                    json!({"id": incoming.id, "enc": part.enc_type}),
                );
                continue;
            };
            self.check_message_key(from, &part.to, &incoming.id, &parsed);
            if part.to.device != 0 {
                self.check_companion_prekey(from, &part.to, &parsed);
                continue;
            }
            self.check_phone_prekey(from, &part.to, &parsed);
            match self.phone_opens(&part.to, from, parsed) {
                Ok(content) => opened.read.push((part.to.clone(), content)),
                Err(error) => {
                    let details = json!({
                        "id": incoming.id, "phone_of": part.to.phone, "error": error.to_string(),
                    });
                    self.seen.add("message-undecryptable", Some(from), details);
                    opened.failed.push(part.to.clone());
                }
            }
        }
        opened
    }

    /// Hands one copy to one companion (`wacore/src/messages.rs`, `parse_message_info`).
    fn forward(&mut self, from: &Addr, incoming: &Incoming, part: &Part) {
        let Ok(sender) = self.account(&from.phone) else {
            return;
        };
        let own = part.to.phone == from.phone;
        let lid_addressed = incoming.to.is_lid();
        let jid = if lid_addressed {
            sender.lid(from.device)
        } else {
            sender.jid(from.device)
        };
        let mut stanza = NodeBuilder::new("message")
            .attr("from", &jid)
            .attr("id", incoming.id.as_str())
            .attr("type", incoming.kind.as_str())
            .attr("t", now_secs().to_string())
            .attr("notify", sender.row.name.as_str());
        stanza = if lid_addressed {
            stanza
                .attr("sender_pn", sender.jid(0))
                .attr("addressing_mode", "lid")
        } else {
            stanza.attr("sender_lid", sender.lid(from.device))
        };
        if own && incoming.category.is_none() {
            let chat = incoming
                .recipient
                .as_ref()
                .unwrap_or(&incoming.to)
                .to_non_ad();
            let by_lid = chat.is_lid();
            stanza = match self.resolve(&chat) {
                Some(chat) => self.with_recipient(stanza, by_lid, &chat.phone),
                None => stanza.attr("recipient", chat),
            };
        }
        if let Some(category) = &incoming.category {
            stanza = stanza.attr("category", category.as_str());
        }
        if let Some(edit) = &incoming.edit {
            stanza = stanza.attr("edit", edit.as_str());
        }
        // Tokens are for the server.
        let rest = incoming
            .rest
            .iter()
            .filter(|node| !matches!(node.tag.as_ref(), "tctoken" | "cstoken"))
            .cloned();
        let content = std::iter::once(part.enc.clone()).chain(rest);
        let node = stanza.children(content).build();
        let receiver = part.to.phone.clone();
        self.deliver_to(&part.to, "message", &incoming.id, &jid, &node);
        self.remember_peers(&from.phone, &receiver);
    }

    /// Whether a number is on WhatsApp.
    pub(crate) fn exists(&self, phone: &str) -> bool {
        self.accounts.contains_key(phone) && !self.absent.contains(phone)
    }

    fn log_message(&mut self, from: &Addr, incoming: &Incoming) {
        let types: Vec<_> = incoming
            .parts
            .iter()
            .map(|part| part.enc_type.as_str())
            .collect();
        let details = json!({
            "id": incoming.id,
            "to": incoming.to.to_string(),
            "n_recipients": incoming.parts.len(),
            "enc": types,
            "retry": incoming.is_retry,
        });
        self.seen.add("message", Some(from), details);
    }
}

/// Acknowledges a message, or refuses it.
pub(super) fn message_ack(id: &str, to: &Jid, error: Option<u16>) -> Node {
    message_ack_with(id, to, error, None)
}

/// The same, with the hash of a group's devices for a sender that has another one.
pub(super) fn message_ack_with(
    id: &str,
    to: &Jid,
    error: Option<u16>,
    phash: Option<&str>,
) -> Node {
    let mut ack = NodeBuilder::new("ack")
        .attr("class", "message")
        .attr("id", id)
        .attr("from", to)
        .attr("t", now_secs().to_string());
    if let Some(error) = error {
        ack = ack.attr("error", error.to_string());
    }
    if let Some(phash) = phash {
        ack = ack.attr("phash", phash);
    }
    ack.build()
}
