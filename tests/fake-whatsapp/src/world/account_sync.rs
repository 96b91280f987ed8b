//! Telling an account's own companions that something of the account changed.
//!
//! Shapes: `whatsapp-rust/src/handlers/notification/device.rs`
//! (`handle_account_sync_notification`) and `wacore/src/iq/dirty.rs`.

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node, NodeRef, SERVER_JID};

use crate::addr::Addr;
use crate::iq::Answer;
use crate::nodes::{attr, notification, server_id};
use crate::world::World;
use crate::world::conns::ConnId;

/// What a companion fetches anew after it was linked.
const AFTER_LINK: &[&str] = &["account_sync", "groups"];

impl World {
    /// The companions of an account.
    pub(crate) fn companions(&self, phone: &str) -> Vec<Addr> {
        self.account(phone)
            .map(|account| account.addrs())
            .unwrap_or_default()
            .into_iter()
            .filter(|addr| addr.device != 0)
            .collect()
    }

    /// Tells all other companions of an account what `by` changed.
    pub(crate) fn tell_own_devices(&mut self, by: &Addr, what: &Node) {
        let from = Jid::pn(by.phone.as_str());
        for companion in self.companions(&by.phone) {
            if companion.device == by.device {
                continue;
            }
            let id = server_id();
            let node = notification(&from, "account_sync", &id)
                .children([what.clone()])
                .build();
            self.deliver_to(&companion, "notification", &id, &from, &node);
        }
    }

    /// Tells all other companions of an account its new name.
    pub(crate) fn tell_own_name(&mut self, by: &Addr, name: &str) {
        let from = Jid::pn(by.phone.as_str());
        for companion in self.companions(&by.phone) {
            if companion.device == by.device {
                continue;
            }
            let id = server_id();
            let node = notification(&from, "account_sync", &id)
                .attr("pushname", name)
                .build();
            self.deliver_to(&companion, "notification", &id, &from, &node);
        }
    }

    /// What a companion learns after its login, before its stanzas: where to connect next
    /// time, and what it has to fetch anew.
    pub(crate) fn send_login_hints(&mut self, conn: ConnId, addr: &Addr) {
        let first = self
            .device(addr)
            .is_some_and(|device| device.row.logins == 1);
        if first {
            for what in AFTER_LINK {
                // The account exists: it has just logged in.
                let _ = self.mark_dirty(&addr.phone, addr.device, what);
            }
        }
        let routing = NodeBuilder::new("edge_routing")
            .children([NodeBuilder::new("routing_info")
                .bytes(routing_info(addr))
                .build()])
            .build();
        self.send(conn, &ib([routing]));
        let dirty = self
            .account(&addr.phone)
            .ok()
            .and_then(|account| account.social.dirty.get(&addr.device))
            .cloned()
            .unwrap_or_default();
        for (what, since) in dirty {
            let bit = NodeBuilder::new("dirty")
                .attr("type", what)
                .attr("timestamp", since.to_string())
                .build();
            self.send(conn, &ib([bit]));
        }
    }

    /// The companion has fetched what was marked.
    pub(crate) fn iq_clean_dirty(&mut self, addr: &Addr, node: &NodeRef<'_>) -> Answer {
        let cleaned: Vec<_> = node
            .get_children_by_tag("clean")
            .map(|clean| {
                let since: Option<u64> = attr(clean, "timestamp").and_then(|t| t.parse().ok());
                (attr(clean, "type").unwrap_or_default(), since)
            })
            .collect();
        if cleaned.is_empty() {
            return Answer::Error(400, "bad-request");
        }
        let changed = self.change_social(&addr.phone, |social| {
            let Some(marks) = social.dirty.get_mut(&addr.device) else {
                return;
            };
            for (what, since) in &cleaned {
                // A mark that was set again meanwhile stays.
                marks.retain(|name, at| name != what || since.is_some_and(|since| since < *at));
            }
        });
        match changed {
            Ok(()) => Answer::empty(),
            Err(_) => Answer::Error(401, "not-authorized"),
        }
    }
}

/// Opaque to clients: they give it back before the handshake
/// (`wacore-noise/src/edge_routing.rs`).
fn routing_info(addr: &Addr) -> Vec<u8> {
    format!("loopback/{addr}").into_bytes()
}

fn ib(content: impl IntoIterator<Item = Node>) -> Node {
    NodeBuilder::new("ib")
        .attr("from", SERVER_JID)
        .children(content)
        .build()
}
