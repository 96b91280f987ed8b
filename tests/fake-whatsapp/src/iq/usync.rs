//! Who is on WhatsApp, with which devices and which LID.
//!
//! Shapes: `wacore/src/iq/usync.rs` and `wacore/src/iq/usync/query.rs`.

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node, NodeRef};

use crate::iq::Answer;
use crate::nodes::{attr, child_bytes, children, jid_attr};
use crate::world::World;
use crate::world::account::Account;

impl World {
    pub(crate) fn iq_usync(&mut self, node: &NodeRef<'_>) -> Answer {
        let Some(usync) = node.get_optional_child("usync") else {
            return Answer::Error(400, "bad-request");
        };
        let wanted: Vec<String> = usync
            .get_optional_child("query")
            .map(|query| {
                children(query)
                    .iter()
                    .map(|child| child.tag.to_string())
                    .collect()
            })
            .unwrap_or_default();
        let users = usync
            .get_optional_child("list")
            .map(children)
            .unwrap_or_default();
        let users: Vec<Node> = users
            .iter()
            .filter_map(|user| self.usync_user(user, &wanted))
            .collect();
        let results = wanted
            .iter()
            .map(|tag| NodeBuilder::new_dynamic(tag.clone()).build())
            .collect::<Vec<_>>();
        let mut reply = NodeBuilder::new("usync");
        for name in ["sid", "index", "last", "mode", "context"] {
            if let Some(value) = attr(usync, name) {
                reply = reply.attr(name, value);
            }
        }
        Answer::one(
            reply
                .children([
                    NodeBuilder::new("result").children(results).build(),
                    NodeBuilder::new("list").children(users).build(),
                ])
                .build(),
        )
    }

    fn usync_user(&self, user: &NodeRef<'_>, wanted: &[String]) -> Option<Node> {
        let asked = match jid_attr(user, "jid") {
            Some(jid) => jid.to_non_ad(),
            None => {
                let number = std::str::from_utf8(child_bytes(user, "contact")?).ok()?;
                Jid::pn(number.trim_start_matches('+'))
            }
        };
        let account = self
            .resolve(&asked)
            .filter(|addr| !self.absent.contains(&addr.phone))
            .and_then(|addr| self.accounts.get(&addr.phone));
        let mut parts = Vec::new();
        for tag in wanted {
            match (tag.as_str(), account) {
                ("contact", account) => {
                    let kind = if account.is_some() { "in" } else { "out" };
                    parts.push(NodeBuilder::new("contact").attr("type", kind).build());
                }
                ("lid", Some(account)) => {
                    parts.push(NodeBuilder::new("lid").attr("val", account.lid(0)).build());
                }
                ("devices", Some(account)) => {
                    parts.push(self.device_list(&account.row.phone)?);
                }
                ("status", Some(account)) => parts.push(about_node(account)),
                ("picture", Some(account)) => {
                    let jid = account.jid(0).to_string();
                    if let Some(picture) = self.pictures.get(&jid) {
                        let node = NodeBuilder::new("picture").attr("id", picture.id.as_str());
                        parts.push(node.build());
                    }
                }
                _ => {}
            }
        }
        let mut reply = NodeBuilder::new("user").attr("jid", &asked);
        if let Some(account) = account.filter(|_| asked.is_lid()) {
            reply = reply.attr("pn_jid", account.jid(0));
        }
        Some(reply.children(parts).build())
    }

    fn device_list(&self, phone: &str) -> Option<Node> {
        let account = self.accounts.get(phone)?;
        let mut devices = vec![NodeBuilder::new("device").attr("id", "0").build()];
        for (id, device) in &account.devices {
            devices.push(
                NodeBuilder::new("device")
                    .attr("id", id.to_string())
                    .attr("key-index", device.row.key_index.to_string())
                    .build(),
            );
        }
        let list = NodeBuilder::new("device-list").children(devices).build();
        let key_index = self.key_index_node(phone, true).ok()?;
        Some(
            NodeBuilder::new("devices")
                .children([list, key_index])
                .build(),
        )
    }
}

/// The text about an account.
fn about_node(account: &Account) -> Node {
    let node = NodeBuilder::new("status");
    match &account.about {
        Some(about) => node
            .attr("t", about.at.to_string())
            .bytes(about.text.as_bytes())
            .build(),
        None => node.build(),
    }
}
