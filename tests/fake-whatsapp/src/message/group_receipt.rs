//! Receipts for messages of groups (`whatsapp-rust/src/receipt.rs`, `whatsapp-rust/src/retry.rs`).

use wacore_binary::{Jid, Node, NodeRef};

use crate::addr::Addr;
use crate::nodes::{attr, children, jid_attr};
use crate::world::World;

impl World {
    /// A companion sends a receipt for what `participant` sent to a group.
    pub(super) fn group_receipt(
        &mut self,
        from: &Addr,
        jid: &Jid,
        id: &str,
        ids: &[String],
        node: &NodeRef<'_>,
    ) {
        let sender = jid_attr(node, "participant").and_then(|jid| self.resolve(&jid));
        let (Some(sender), Some(group)) = (sender, self.group(jid).cloned()) else {
            return;
        };
        self.check_receipt(from, &sender, ids);
        // Who left is not heard any more.
        if !group.has(&from.phone) || !group.has(&sender.phone) {
            return;
        }
        let kind = attr(node, "type");
        if kind.as_deref() == Some("retry") && sender.device == 0 {
            return self.phone_resends(from, &sender, id, node);
        }
        let content: Vec<Node> = children(node).iter().map(NodeRef::to_owned).collect();
        let read = matches!(kind.as_deref(), Some("read" | "played"));
        let receivers: Vec<Addr> = if read {
            self.account(&sender.phone)
                .map(|account| account.addrs())
                .unwrap_or_default()
        } else {
            vec![sender]
        };
        for to in receivers.iter().filter(|to| to.device != 0 && *to != from) {
            self.group_receipt_from(from, to, &group, id, kind.as_deref(), content.clone());
        }
    }
}
