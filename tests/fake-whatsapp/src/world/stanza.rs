//! What comes in on a socket after the handshake.

use serde_json::json;
use wacore_binary::NodeRef;

use crate::addr::Addr;
use crate::nodes::{attr, children, jid_attr};
use crate::world::World;
use crate::world::conns::{ConnId, Role};

impl World {
    /// Handles one stanza.
    pub(crate) fn stanza(&mut self, conn: ConnId, node: &NodeRef<'_>) {
        match self.conns.get(&conn).map(|conn| &conn.role) {
            Some(Role::Device { addr, .. }) => {
                let addr = addr.clone();
                self.device_stanza(conn, &addr, node);
            }
            Some(Role::Pairing(_)) => self.pairing_stanza(conn, node),
            // It was on its way when the server let go.
            Some(Role::Leaving) | None => {}
        }
    }

    fn pairing_stanza(&mut self, conn: ConnId, node: &NodeRef<'_>) {
        if node.tag != "iq" {
            return;
        }
        let id = attr(node, "id").unwrap_or_default();
        match attr(node, "type").as_deref() {
            Some("result" | "error") => {
                self.finish_link(conn, node);
            }
            _ => match node.get_optional_child("link_code_companion_reg") {
                Some(reg) => self.link_code(conn, &id, reg),
                None => self.iq(conn, None, &id, node),
            },
        }
    }

    fn device_stanza(&mut self, conn: ConnId, addr: &Addr, node: &NodeRef<'_>) {
        match node.tag.as_ref() {
            "iq" => {
                // Answers to the server's own requests need no reaction.
                if matches!(attr(node, "type").as_deref(), Some("get" | "set")) {
                    let id = attr(node, "id").unwrap_or_default();
                    self.check_iq_id(conn, addr, &id);
                    self.iq(conn, Some(addr), &id, node);
                }
            }
            "message" => {
                self.check_active(conn, addr, node);
                self.message(conn, addr, node);
            }
            "receipt" => self.receipt(conn, addr, node),
            "call" => self.call(conn, addr, node),
            "ack" => self.ack(addr, node),
            "ib" => self.ib(conn, addr, node),
            "presence" => self.presence(addr, node),
            "chatstate" => self.chatstate(addr, node),
            tag => {
                let details = json!({"tag": tag, "id": attr(node, "id")});
                self.seen.add("stanza-unhandled", Some(addr), details);
            }
        }
    }

    fn ack(&mut self, addr: &Addr, node: &NodeRef<'_>) {
        let id = attr(node, "id").unwrap_or_default();
        let class = attr(node, "class").unwrap_or_default();
        let to = jid_attr(node, "to").map(|jid| jid.to_string());
        let details = json!({"id": id, "class": class, "error": attr(node, "error")});
        self.seen.add("ack", Some(addr), details);
        self.check_ack(addr, &class, &id);
        self.acknowledged(addr, &class, &id, to.as_deref());
    }

    fn ib(&mut self, conn: ConnId, addr: &Addr, node: &NodeRef<'_>) {
        for child in children(node) {
            match child.tag.as_ref() {
                "offline_batch" => {
                    let count = attr(child, "count").and_then(|count| count.parse().ok());
                    self.offline_batch(conn, addr, count);
                }
                // How long the app has been in use; nothing depends on it.
                "unified_session" => {}
                tag => {
                    let details = json!({"tag": "ib", "child": tag});
                    self.seen.add("stanza-unhandled", Some(addr), details);
                }
            }
        }
    }
}
