//! Receipts for status updates (`whatsapp-rust/src/receipt.rs`).

use wacore_binary::NodeRef;

use crate::addr::Addr;
use crate::nodes::{attr, jid_attr};
use crate::world::World;
use crate::world::notices::Notice;

/// What receipts for status updates say of themselves.
const CONTEXT: &str = "status";

impl World {
    /// A companion has got, or seen, what `participant` posted. The author's phone shows who has
    /// seen it.
    pub(super) fn status_receipt(&mut self, from: &Addr, ids: &[String], node: &NodeRef<'_>) {
        let author = jid_attr(node, "participant").and_then(|jid| self.resolve(&jid));
        let Some(author) = author else {
            let detail = format!("{from} sent a receipt for a status update of nobody");
            return self.break_rule("status-receipt-without-author", detail);
        };
        if attr(node, "context").as_deref() != Some(CONTEXT) {
            let detail = format!("{from} sent a receipt for a status update like any other");
            self.break_rule("status-receipt-without-context", detail);
        }
        self.check_receipt(from, &author, ids);
        if attr(node, "type").as_deref() == Some("read") && author.phone != from.phone {
            self.phone_noticed(&author.phone, Notice::receipt(&from.phone, "read", ids));
        }
    }
}
