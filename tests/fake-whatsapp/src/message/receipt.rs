//! Receipts: who got a message, who read it, and who wants it again.
//!
//! Shapes: `whatsapp-rust/src/receipt.rs` and `whatsapp-rust/src/retry.rs`.

use serde_json::json;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, JidExt as _, Node, NodeRef};

use super::receipt_forward::Incoming;
use crate::addr::Addr;
use crate::nodes::{attr, children, jid_attr};
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
        if let Some(offer) = node.get_optional_child("offer") {
            return self.call_receipt(from, offer);
        }
        if kind.as_deref() == Some("server-error") {
            return self.media_lost(from, &id, node);
        }
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
        if to.is_status_broadcast() {
            return self.status_receipt(from, &ids, node);
        }
        let Some(sender) = self.resolve(&to) else {
            return;
        };
        self.check_receipt(from, &sender, &ids);
        if retry && sender.device == 0 {
            return self.phone_resends(from, &sender, &id, node);
        }
        let receipt = Incoming {
            from,
            id: &id,
            ids: &ids,
            kind: kind.as_deref(),
            to: &to,
            node,
        };
        self.forward_receipt(&receipt, &sender);
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
