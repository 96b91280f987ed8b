//! A companion could not download a medium and asks its phone for it.
//!
//! Shapes: `wacore/src/media_retry.rs` and `whatsapp-rust/src/features/media_reupload.rs`.

use serde_json::json;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, NodeRef};

use crate::addr::Addr;
use crate::nodes::{attr, jid_attr, notification};
use crate::world::World;

/// The phone does not have the medium any more.
const NOT_FOUND: &str = "2";

impl World {
    /// The phone answers that it cannot help.
    pub(super) fn media_lost(&mut self, from: &Addr, id: &str, node: &NodeRef<'_>) {
        let lost = node.get_optional_child("rmr");
        let chat = lost.and_then(|lost| jid_attr(lost, "jid"));
        let known = chat
            .as_ref()
            .and_then(|chat| self.resolve(chat))
            .and_then(|chat| self.accounts.get(&chat.phone))
            .is_some_and(|account| account.known.contains(id))
            || self
                .account(&from.phone)
                .is_ok_and(|account| account.known.contains(id));
        self.seen
            .add("media-lost", Some(from), json!({"id": id, "known": known}));
        let (Some(lost), Some(chat)) = (lost, chat) else {
            return;
        };
        let own = Jid::pn(from.phone.as_str());
        let rmr = NodeBuilder::new("rmr")
            .attr("jid", chat)
            .attr("from_me", attr(lost, "from_me").unwrap_or_default());
        let error = NodeBuilder::new("error").attr("code", NOT_FOUND).build();
        let node = notification(&own, "mediaretry", id)
            .children([error, rmr.build()])
            .build();
        self.deliver_to(from, "notification", id, &own, &node);
    }
}
