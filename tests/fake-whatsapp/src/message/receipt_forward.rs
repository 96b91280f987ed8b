//! Who learns of a receipt in a chat of two.
//!
//! A delivery goes to the device that sent the message, reading and playing to the whole
//! account of the sender and to the reader's own other devices. Shapes:
//! `whatsapp-rust/src/receipt.rs`.

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node, NodeRef};

use crate::addr::Addr;
use crate::nodes::{attr, children};
use crate::time::now_secs;
use crate::world::World;
use crate::world::notices::Notice;
use crate::world::privacy::READ_RECEIPTS;

/// A receipt as it came in.
pub(super) struct Incoming<'a> {
    pub(super) from: &'a Addr,
    pub(super) id: &'a str,
    /// All messages that it is about.
    pub(super) ids: &'a [String],
    pub(super) kind: Option<&'a str>,
    pub(super) to: &'a Jid,
    pub(super) node: &'a NodeRef<'a>,
}

impl World {
    /// `sender` is whom the receipt is addressed to: the sender of the messages.
    pub(super) fn forward_receipt(&mut self, receipt: &Incoming<'_>, sender: &Addr) {
        match receipt.kind {
            Some(kind @ ("read" | "played")) => {
                let shared = self.shares_reading(&receipt.from.phone, &sender.phone);
                if shared {
                    self.tell_senders(receipt, sender);
                    self.tell_reader(receipt, sender, kind);
                } else {
                    self.tell_reader(receipt, sender, &format!("{kind}-self"));
                }
            }
            Some(kind @ ("read-self" | "played-self")) => {
                self.tell_reader(receipt, sender, kind);
            }
            _ if self.has_blocked(&receipt.from.phone, &sender.phone) => {}
            _ => self.tell_device(receipt, sender),
        }
    }

    /// Reading is told only between people who both tell.
    fn shares_reading(&self, reader: &str, sender: &str) -> bool {
        let tells = |phone: &str| {
            self.accounts
                .get(phone)
                .is_some_and(|account| account.social.privacy.value(READ_RECEIPTS) == "all")
        };
        tells(reader) && tells(sender) && !self.has_blocked(reader, sender)
    }

    fn tell_senders(&mut self, receipt: &Incoming<'_>, sender: &Addr) {
        let devices = self
            .account(&sender.phone)
            .map(|account| account.addrs())
            .unwrap_or_default();
        for device in devices.iter().filter(|device| *device != receipt.from) {
            self.tell_device(receipt, device);
        }
    }

    fn tell_device(&mut self, receipt: &Incoming<'_>, device: &Addr) {
        let from = &receipt.from.phone;
        if device.device == 0 {
            let kind = receipt.kind.unwrap_or("delivery");
            return self.phone_noticed(&device.phone, Notice::receipt(from, kind, receipt.ids));
        }
        let Some(jid) = self.receipt_sender(receipt) else {
            return;
        };
        let mut stanza = base(receipt, &jid, receipt.kind);
        for name in ["recipient", "category"] {
            if let Some(value) = attr(receipt.node, name) {
                stanza = stanza.attr(name, value);
            }
        }
        let node = with_content(stanza, receipt.node);
        self.deliver_to(device, "receipt", receipt.id, &jid, &node);
    }

    /// The reader's other devices mark the chat as read too. They get the receipt from their
    /// own account, with the chat as `recipient`.
    fn tell_reader(&mut self, receipt: &Incoming<'_>, sender: &Addr, kind: &str) {
        let reader = receipt.from;
        if reader.phone == sender.phone {
            return;
        }
        let Some(jid) = self.receipt_sender(receipt) else {
            return;
        };
        let stanza = base(receipt, &jid, Some(kind)).attr("recipient", receipt.to.to_non_ad());
        let node = with_content(stanza, receipt.node);
        for companion in self.companions(&reader.phone) {
            if companion != *reader {
                self.deliver_to(&companion, "receipt", receipt.id, &jid, &node);
            }
        }
        let notice = Notice::receipt(&sender.phone, kind, receipt.ids);
        self.phone_noticed(&reader.phone, notice);
    }

    /// Who sent the receipt, in the namespace in which it is addressed.
    fn receipt_sender(&self, receipt: &Incoming<'_>) -> Option<Jid> {
        let account = self.account(&receipt.from.phone).ok()?;
        Some(if receipt.to.is_lid() {
            account.lid(receipt.from.device)
        } else {
            account.jid(receipt.from.device)
        })
    }
}

fn base(receipt: &Incoming<'_>, from: &Jid, kind: Option<&str>) -> NodeBuilder {
    let stanza = NodeBuilder::new("receipt")
        .attr("from", from)
        .attr("id", receipt.id)
        .attr(
            "t",
            attr(receipt.node, "t").unwrap_or_else(|| now_secs().to_string()),
        );
    match kind {
        Some(kind) => stanza.attr("type", kind),
        None => stanza,
    }
}

fn with_content(stanza: NodeBuilder, node: &NodeRef<'_>) -> Node {
    let content: Vec<Node> = children(node).iter().map(NodeRef::to_owned).collect();
    if content.is_empty() {
        stanza.build()
    } else {
        stanza.children(content).build()
    }
}
