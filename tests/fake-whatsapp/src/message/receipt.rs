//! Receipts: who got a message, who read it, and who wants it again.
//!
//! Shapes: `whatsapp-rust/src/receipt.rs` and `whatsapp-rust/src/retry.rs`.

use serde_json::json;
use wacore::iq::prekeys::SignedPreKeyNode;
use wacore::protocol::ProtocolNode as _;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, JidExt as _, Node, NodeRef};

use crate::addr::Addr;
use crate::keys::{SignedPreKey, djb};
use crate::nodes::{attr, child_bytes, children, jid_attr};
use crate::phone::cipher::CompanionBundle;
use crate::time::now_secs;
use crate::world::World;
use crate::world::conns::ConnId;

impl World {
    /// A companion sends a receipt.
    pub(crate) fn receipt(&mut self, conn: ConnId, from: &Addr, node: &NodeRef<'_>) {
        let (Some(id), Some(to)) = (attr(node, "id"), jid_attr(node, "to")) else {
            return;
        };
        let kind = attr(node, "type");
        let ids = message_ids(&id, node);
        let details = json!({
            "ids": ids, "to": to.to_string(), "type": kind.as_deref().unwrap_or("delivery"),
        });
        self.seen.add("receipt", Some(from), details);
        self.send(conn, &receipt_ack(&id, &to, kind.as_deref()));
        self.check_delivery_receipt(from, kind.as_deref(), &ids);
        let retry = kind.as_deref() == Some("retry");
        if !retry {
            for id in &ids {
                self.acknowledged(from, "message", id, Some(&to.to_string()));
            }
        }
        if to.is_group() {
            return self.group_receipt(from, &to, &id, &ids, node);
        }
        let Some(sender) = self.resolve(&to) else {
            return;
        };
        self.check_receipt(from, &sender, &ids);
        if retry && sender.device == 0 {
            return self.phone_resends(from, &sender, &id, node);
        }
        self.forward_receipt(from, &sender, &id, kind.as_deref(), &to, node);
    }

    pub(super) fn check_receipt(&mut self, from: &Addr, sender: &Addr, ids: &[String]) {
        let Some(account) = self.accounts.get(&sender.phone) else {
            return;
        };
        let unknown: Vec<_> = ids
            .iter()
            .filter(|id| !account.known.contains(*id))
            .cloned()
            .collect();
        for id in unknown {
            let detail = format!(
                "{from} sent a receipt for {id}, which {} never sent",
                sender.phone
            );
            self.break_rule("receipt-for-unknown", detail);
        }
    }

    /// A delivery receipt goes to the sending device, a read receipt to all of its account.
    fn forward_receipt(
        &mut self,
        from: &Addr,
        sender: &Addr,
        id: &str,
        kind: Option<&str>,
        to: &Jid,
        node: &NodeRef<'_>,
    ) {
        let Ok(account) = self.account(&from.phone) else {
            return;
        };
        let jid = if to.is_lid() {
            account.lid(from.device)
        } else {
            account.jid(from.device)
        };
        let mut receipt = NodeBuilder::new("receipt")
            .attr("from", &jid)
            .attr("id", id)
            .attr(
                "t",
                attr(node, "t").unwrap_or_else(|| now_secs().to_string()),
            );
        if let Some(kind) = kind {
            receipt = receipt.attr("type", kind);
        }
        for name in ["recipient", "category"] {
            if let Some(value) = attr(node, name) {
                receipt = receipt.attr(name, value);
            }
        }
        let content: Vec<Node> = children(node).iter().map(NodeRef::to_owned).collect();
        let receipt = if content.is_empty() {
            receipt.build()
        } else {
            receipt.children(content).build()
        };
        let read = matches!(kind, Some("read" | "played"));
        let receivers: Vec<Addr> = if read {
            self.account(&sender.phone)
                .map(|account| account.addrs())
                .unwrap_or_default()
        } else {
            vec![sender.clone()]
        };
        for receiver in receivers.iter().filter(|to| to.device != 0 && *to != from) {
            self.deliver_to(receiver, "receipt", id, &jid, &receipt);
        }
    }

    /// A companion could not read what a simulated phone sent.
    pub(super) fn phone_resends(&mut self, to: &Addr, phone: &Addr, id: &str, node: &NodeRef<'_>) {
        let Ok(account) = self.account(&phone.phone) else {
            return;
        };
        let Some(sent) = account.outbox.get(id).cloned() else {
            return;
        };
        let count = node
            .get_optional_child("retry")
            .and_then(|retry| attr(retry, "count"))
            .unwrap_or_else(|| "1".to_owned());
        let Some(device) = self.device(to) else {
            return;
        };
        let offered = node
            .get_optional_child("keys")
            .and_then(|keys| offered_bundle(device.row.registration_id, keys));
        let bundle = match offered {
            Some(bundle) => Some(bundle),
            None => self.take_companion_bundle(to),
        };
        let (Some(bundle), Some(account)) = (bundle, self.accounts.get_mut(&phone.phone)) else {
            return;
        };
        if let Err(error) = account.phone.start_session(to, &bundle) {
            return tracing::warn!(%error, %to, id, "retry with an unusable bundle");
        }
        self.phone_sends_to(to, phone, id, &sent, Some(&count));
    }
}

fn offered_bundle(registration_id: u32, keys: &NodeRef<'_>) -> Option<CompanionBundle> {
    let signed = SignedPreKeyNode::try_from_node_ref(keys.get_optional_child("skey")?).ok()?;
    let key = keys.get_optional_child("key");
    let one_time = key.and_then(|key| {
        let id = child_bytes(key, "id").filter(|id| id.len() == 3)?;
        let id = id.iter().fold(0, |sum, byte| (sum << 8) | u32::from(*byte));
        Some((id, djb(child_bytes(key, "value")?).ok()?))
    });
    Some(CompanionBundle {
        registration_id,
        identity: djb(child_bytes(keys, "identity")?).ok()?,
        signed_prekey: SignedPreKey {
            id: signed.id,
            public: djb(&signed.public_bytes).ok()?,
            signature: signed.signature,
        },
        one_time,
    })
}

/// A receipt is about its own id and those in its list.
fn message_ids(id: &str, node: &NodeRef<'_>) -> Vec<String> {
    let listed = node
        .get_optional_child("list")
        .map(children)
        .unwrap_or_default();
    std::iter::once(id.to_owned())
        .chain(listed.iter().filter_map(|item| attr(item, "id")))
        .collect()
}

fn receipt_ack(id: &str, to: &Jid, kind: Option<&str>) -> Node {
    let mut ack = NodeBuilder::new("ack")
        .attr("class", "receipt")
        .attr("id", id)
        .attr("from", to);
    if let Some(kind) = kind {
        ack = ack.attr("type", kind);
    }
    ack.build()
}
