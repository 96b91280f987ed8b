//! A `<message>` as a client sends it (`wacore/src/send/dm.rs`).

use wacore_binary::{Jid, Node, NodeRef};

use crate::addr::Addr;
use crate::nodes::{attr, children, jid_attr};
use crate::world::World;

/// One encrypted copy.
pub(super) struct Part {
    pub(super) to: Addr,
    pub(super) enc_type: String,
    pub(super) bytes: Vec<u8>,
    /// The `<enc>` node, as it is forwarded.
    pub(super) enc: Node,
}

/// A message with its copies.
pub(super) struct Incoming {
    pub(super) id: String,
    pub(super) to: Jid,
    pub(super) kind: String,
    pub(super) category: Option<String>,
    pub(super) edit: Option<String>,
    /// The receiver of the first try, in a resend to an own device.
    pub(super) recipient: Option<Jid>,
    pub(super) parts: Vec<Part>,
    /// Everything that is not a copy, for example `<device-identity>`.
    pub(super) rest: Vec<Node>,
    /// An answer to a retry receipt.
    pub(super) is_retry: bool,
    /// The copy for all devices of a group (`wacore/src/send/group.rs`).
    pub(super) shared: Option<Shared>,
    /// How the sender names the members of the group.
    pub(super) addressing: Option<String>,
    /// Hash of the devices that the sender believes to be in the group.
    pub(super) phash: Option<String>,
}

/// What a sender key encrypted.
pub(super) struct Shared {
    pub(super) bytes: Vec<u8>,
    /// The `<enc>` node, as it is forwarded.
    pub(super) enc: Node,
}

impl Incoming {
    /// Reads the stanza. `None` when something required is missing.
    pub(super) fn read(world: &World, from: &Addr, node: &NodeRef<'_>) -> Option<Self> {
        let id = attr(node, "id").filter(|id| !id.is_empty())?;
        let to = jid_attr(node, "to")?;
        let category = attr(node, "category");
        let mut incoming = Self {
            kind: attr(node, "type").unwrap_or_else(|| "text".to_owned()),
            edit: attr(node, "edit"),
            recipient: jid_attr(node, "recipient"),
            parts: Vec::new(),
            rest: Vec::new(),
            is_retry: false,
            shared: None,
            addressing: attr(node, "addressing_mode"),
            phash: attr(node, "phash"),
            category,
            id,
            to,
        };
        for child in children(node) {
            match child.tag.as_ref() {
                "participants" => {
                    for receiver in child.get_children_by_tag("to") {
                        let jid = jid_attr(receiver, "jid")?;
                        for enc in receiver.get_children_by_tag("enc") {
                            incoming.add(world, from, &jid, enc);
                        }
                    }
                }
                "enc" => {
                    incoming.is_retry |= child.get_attr("count").is_some();
                    if attr(child, "type").as_deref() == Some("skmsg") {
                        incoming.shared = Some(Shared {
                            bytes: child.content_bytes()?.to_vec(),
                            enc: child.to_owned(),
                        });
                        continue;
                    }
                    // In a group a resend says for which device it is.
                    let to = jid_attr(node, "participant").unwrap_or_else(|| incoming.to.clone());
                    incoming.add(world, from, &to, child);
                }
                _ => incoming.rest.push(child.to_owned()),
            }
        }
        Some(incoming)
    }

    fn add(&mut self, world: &World, from: &Addr, jid: &Jid, enc: &NodeRef<'_>) {
        let Some(to) = world.resolve(jid).filter(|to| to != from) else {
            return;
        };
        let Some(bytes) = enc.content_bytes() else {
            return;
        };
        self.parts.push(Part {
            to,
            enc_type: attr(enc, "type").unwrap_or_default(),
            bytes: bytes.to_vec(),
            enc: enc.to_owned(),
        });
    }
}
