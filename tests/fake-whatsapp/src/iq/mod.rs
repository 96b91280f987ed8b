//! Requests of a client, by namespace.

mod app_state;
mod encrypt;
mod group_set;
mod groups;
mod media;
mod mex;
mod picture;
mod privacy;
mod profile;
mod props;
mod settings;
mod usync;
mod usync_parts;

use serde_json::json;
use wacore_binary::{Node, NodeRef};

use crate::addr::Addr;
use crate::nodes::{attr, children, iq_error, iq_result, jid_attr, pong};
use crate::world::World;
use crate::world::conns::ConnId;

/// The answer to a request.
pub(crate) enum Answer {
    /// `type="result"` with this content.
    Result(Vec<Node>),
    /// `type="error"`.
    Error(u16, &'static str),
    /// The handler has answered, or will not.
    Sent,
    /// Nobody knows this request.
    Unknown,
}

impl Answer {
    /// A result without content.
    pub(crate) fn empty() -> Self {
        Self::Result(Vec::new())
    }

    /// A result with one child.
    pub(crate) fn one(node: Node) -> Self {
        Self::Result(vec![node])
    }
}

impl World {
    /// Answers one request. `addr` is absent while the socket waits to be linked.
    pub(crate) fn iq(&mut self, conn: ConnId, addr: Option<&Addr>, id: &str, node: &NodeRef<'_>) {
        let xmlns = attr(node, "xmlns").unwrap_or_default();
        let set = attr(node, "type").as_deref() == Some("set");
        let answer = match (xmlns.as_str(), addr) {
            ("w:p" | "urn:xmpp:ping", _) => {
                self.send(conn, &pong(id));
                Answer::Sent
            }
            (_, None) => Answer::Unknown,
            ("passive", Some(addr)) => {
                self.send(conn, &iq_result(id, []));
                if node.get_optional_child("active").is_some() {
                    self.go_active(conn, addr);
                } else {
                    self.go_passive(conn);
                }
                Answer::Sent
            }
            ("encrypt", Some(addr)) => self.iq_encrypt(addr, set, node),
            ("usync", Some(addr)) => self.iq_usync(addr, node),
            ("privacy", Some(addr)) => self.iq_privacy(addr, set, node),
            ("blocklist", Some(addr)) => self.iq_blocklist(addr, set, node),
            ("disappearing_mode", Some(addr)) => self.iq_disappearing(addr, set, node),
            ("abt", Some(addr)) => self.iq_props(addr, node),
            ("w:biz", Some(_)) if !set => self.iq_business(node),
            ("w:mex", Some(addr)) => self.iq_mex(addr, node),
            ("urn:xmpp:whatsapp:dirty", Some(addr)) if set => self.iq_clean_dirty(addr, node),
            ("w:sync:app:state", Some(addr)) => self.iq_app_state(addr, node),
            ("w:m", Some(addr)) if node.get_optional_child("media_conn").is_some() => {
                self.iq_media_conn(addr)
            }
            ("w:profile:picture", Some(addr)) => self.iq_picture(addr, set, node),
            ("status", Some(addr)) if set => self.iq_about(addr, node),
            ("w:g2", Some(addr)) => self.iq_groups(addr, set, node),
            ("md", Some(addr)) => self.iq_device(conn, id, addr, node),
            (xmlns, Some(_)) => settings::answer(xmlns, set, node),
        };
        match answer {
            Answer::Result(content) => self.send(conn, &iq_result(id, content)),
            Answer::Error(code, text) => self.send(conn, &iq_error(id, code, text)),
            Answer::Sent => {}
            Answer::Unknown => {
                let inside: Vec<_> = children(node)
                    .iter()
                    .map(|child| child.tag.to_string())
                    .collect();
                let details = json!({"xmlns": xmlns, "set": set, "children": inside});
                self.seen.add("iq-unhandled", addr, details);
                self.send(conn, &iq_error(id, 501, "feature-not-implemented"));
            }
        }
    }

    /// A companion that unlinks itself (`wacore/src/iq/devices.rs`).
    fn iq_device(&mut self, conn: ConnId, id: &str, addr: &Addr, node: &NodeRef<'_>) -> Answer {
        let Some(remove) = node.get_optional_child("remove-companion-device") else {
            return Answer::Unknown;
        };
        let jid = jid_attr(remove, "jid").and_then(|jid| self.resolve(&jid));
        if jid.as_ref() != Some(addr) {
            return Answer::Error(403, "forbidden");
        }
        self.send(conn, &iq_result(id, []));
        self.seen
            .add("unlinked", Some(addr), json!({"by": "companion"}));
        self.unlink(addr);
        Answer::Sent
    }
}
