//! Who is on WhatsApp, and what may be known about them.
//!
//! Shapes: `wacore/src/iq/usync.rs` and `wacore/src/iq/usync/query.rs`.

use serde_json::json;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node, NodeRef};

use crate::addr::Addr;
use crate::iq::Answer;
use crate::nodes::{attr, child_bytes, children, jid_attr};
use crate::world::World;
use crate::world::account::Account;
use crate::world::accounts::checked_number;

/// What a request wants to know (`UsyncMode`).
const MODES: &[&str] = &["query", "delta", "full"];
/// Why it wants to know (`UsyncContext`, and what Baileys sends).
const CONTEXTS: &[&str] = &[
    "interactive",
    "background",
    "message",
    "voip",
    "notification",
    "add",
];
const BAD_REQUEST: Answer = Answer::Error(400, "bad-request");

/// One user of the request.
struct Asked<'n> {
    /// Whom the answer is about, in the namespace of the question.
    jid: Jid,
    user: &'n NodeRef<'n>,
    /// The number as it was asked, when it was asked by number.
    number: Option<String>,
    /// The account, if there is one.
    found: Option<Addr>,
}

impl World {
    pub(crate) fn iq_usync(&mut self, addr: &Addr, node: &NodeRef<'_>) -> Answer {
        let Some(usync) = node.get_optional_child("usync") else {
            return BAD_REQUEST;
        };
        let known = |name: &str, values: &[&str]| {
            attr(usync, name).is_some_and(|value| values.contains(&value.as_str()))
        };
        if !known("mode", MODES) || !known("context", CONTEXTS) || attr(usync, "sid").is_none() {
            return BAD_REQUEST;
        }
        let (Some(query), Some(list)) = (
            usync.get_optional_child("query"),
            usync.get_optional_child("list"),
        ) else {
            return BAD_REQUEST;
        };
        let protocols = children(query);
        let wanted: Vec<&str> = protocols.iter().map(|child| child.tag.as_ref()).collect();
        let users: Vec<Node> = children(list)
            .iter()
            .filter_map(|user| self.asked(user))
            .map(|asked| self.usync_user(addr, protocols, &asked))
            .collect();
        self.seen.add(
            "usync",
            Some(addr),
            json!({"protocols": wanted, "users": users.len()}),
        );
        let result = protocols
            .iter()
            .map(|protocol| NodeBuilder::new_dynamic(protocol.tag.to_string()).build())
            .collect::<Vec<_>>();
        let mut reply = NodeBuilder::new("usync");
        for name in ["sid", "index", "last", "mode", "context"] {
            if let Some(value) = attr(usync, name) {
                reply = reply.attr(name, value);
            }
        }
        let parts = [
            NodeBuilder::new("result").children(result).build(),
            NodeBuilder::new("list").children(users).build(),
        ];
        Answer::one(reply.children(parts).build())
    }

    fn asked<'n>(&self, user: &'n NodeRef<'n>) -> Option<Asked<'n>> {
        let number = child_bytes(user, "contact")
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .map(str::to_owned);
        let jid = match (jid_attr(user, "jid").or(jid_attr(user, "pn_jid")), &number) {
            (Some(jid), _) => jid.to_non_ad(),
            (None, Some(number)) => Jid::pn(number.trim_start_matches('+')),
            (None, None) => return None,
        };
        // A number without its country cannot be found, and neither can one that is no number.
        let findable = number
            .as_ref()
            .is_none_or(|number| number.starts_with('+') && checked_number(number).is_ok());
        let found = self
            .resolve(&jid)
            .filter(|found| findable && self.exists(&found.phone));
        Some(Asked {
            jid,
            user,
            number,
            found,
        })
    }

    fn usync_user(&self, by: &Addr, protocols: &[NodeRef<'_>], asked: &Asked<'_>) -> Node {
        let account = asked
            .found
            .as_ref()
            .and_then(|found| self.accounts.get(&found.phone));
        let mut reply = NodeBuilder::new("user").attr("jid", &asked.jid);
        if let Some(account) = account.filter(|_| asked.jid.is_lid()) {
            reply = reply.attr("pn_jid", account.jid(0));
        }
        let parts: Vec<Node> = protocols
            .iter()
            .filter_map(|protocol| match (protocol.tag.as_ref(), account) {
                ("contact", found) => Some(contact(found.is_some(), asked)),
                (_, None) => None,
                (_, Some(account)) => self.usync_part(by, protocol, account, asked),
            })
            .collect();
        reply.children(parts).build()
    }

    fn usync_part(
        &self,
        by: &Addr,
        protocol: &NodeRef<'_>,
        account: &Account,
        asked: &Asked<'_>,
    ) -> Option<Node> {
        match protocol.tag.as_ref() {
            "lid" => Some(NodeBuilder::new("lid").attr("val", account.lid(0)).build()),
            "devices" => self.usync_devices(&account.row.phone, asked.user),
            "status" => Some(self.usync_status(by, account, asked.user)),
            "picture" => Some(self.usync_picture(by, account)),
            "business" => self.usync_business(account),
            "disappearing_mode" => {
                let mode = account.social.disappearing;
                let node = NodeBuilder::new("disappearing_mode")
                    .attr("duration", mode.seconds.to_string())
                    .attr("t", mode.at.to_string());
                Some(node.build())
            }
            "feature" => Some(features(protocol)),
            "username" => Some(NodeBuilder::new("username").build()),
            "text_status" => Some(NodeBuilder::new("text_status").build()),
            // Nobody here is a bot: the answer has no such part.
            _ => None,
        }
    }
}

fn contact(found: bool, asked: &Asked<'_>) -> Node {
    let node = NodeBuilder::new("contact").attr("type", if found { "in" } else { "out" });
    match &asked.number {
        Some(number) => node.bytes(number.as_bytes().to_vec()).build(),
        None => node.build(),
    }
}

/// All accounts here can do everything that is asked for.
fn features(protocol: &NodeRef<'_>) -> Node {
    let features = children(protocol).iter().map(|feature| {
        NodeBuilder::new_dynamic(feature.tag.to_string())
            .attr("value", "true")
            .build()
    });
    NodeBuilder::new("feature")
        .children(features.collect::<Vec<_>>())
        .build()
}
