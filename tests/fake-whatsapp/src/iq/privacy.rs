//! Privacy settings, trusted-contact tokens and the list of blocked people.
//!
//! Shapes: `wacore/src/iq/privacy.rs`, `wacore/src/iq/tctoken.rs` and
//! `wacore/src/iq/blocklist.rs`.

use serde_json::json;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node, NodeRef};

use crate::addr::Addr;
use crate::error::Error;
use crate::iq::Answer;
use crate::nodes::{attr, children, jid_attr};
use crate::time::now_secs;
use crate::world::World;
use crate::world::privacy::{Refused, list_hash};

const BAD_REQUEST: Answer = Answer::Error(400, "bad-request");
const CONFLICT: Answer = Answer::Error(409, "conflict");

impl From<Refused> for Answer {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::BadRequest => BAD_REQUEST,
            Refused::Conflict => CONFLICT,
        }
    }
}

impl World {
    pub(crate) fn iq_privacy(&mut self, addr: &Addr, set: bool, node: &NodeRef<'_>) -> Answer {
        if let Some(tokens) = node.get_optional_child("tokens").filter(|_| set) {
            return self.issue_tokens(addr, tokens);
        }
        let Some(privacy) = node.get_optional_child("privacy") else {
            return BAD_REQUEST;
        };
        if !set {
            return self.privacy_settings(addr);
        }
        let mut answered = Vec::new();
        for category in privacy.get_children_by_tag("category") {
            match self.set_privacy(addr, category) {
                Ok(node) => answered.push(node),
                Err(refused) => return refused.into(),
            }
        }
        if answered.is_empty() {
            return BAD_REQUEST;
        }
        let answer = NodeBuilder::new("privacy").children(answered).build();
        self.tell_own_devices(addr, &NodeBuilder::new("privacy").build());
        Answer::one(answer)
    }

    fn privacy_settings(&self, addr: &Addr) -> Answer {
        let Ok(account) = self.account(&addr.phone) else {
            return BAD_REQUEST;
        };
        let categories = account.social.privacy.all().map(|(name, value)| {
            NodeBuilder::new("category")
                .attr("name", name)
                .attr("value", value)
                .build()
        });
        Answer::one(NodeBuilder::new("privacy").children(categories).build())
    }

    fn set_privacy(&mut self, addr: &Addr, category: &NodeRef<'_>) -> Result<Node, Refused> {
        let name = attr(category, "name").unwrap_or_default();
        let value = attr(category, "value").unwrap_or_default();
        let mut answer = NodeBuilder::new("category")
            .attr("name", name.as_str())
            .attr("value", value.as_str());
        let changes = self.listed_people(category)?;
        let dhash = attr(category, "dhash");
        let changed = self.change_social(&addr.phone, |social| match dhash {
            Some(dhash) => social
                .privacy
                .change_except(&name, &dhash, &changes)
                .map(Some),
            None => social.privacy.set(&name, &value).map(|()| None),
        });
        if let Some(dhash) = changed.map_err(|_| Refused::BadRequest)?? {
            answer = answer.attr("dhash", dhash);
        }
        let details = json!({"name": name, "value": value});
        self.seen.add("privacy-set", Some(addr), details);
        Ok(answer.build())
    }

    /// The people that a change of a "contacts except" list names, and whether they are added.
    fn listed_people(&self, category: &NodeRef<'_>) -> Result<Vec<(bool, String)>, Refused> {
        category
            .get_children_by_tag("user")
            .map(|user| {
                let person = jid_attr(user, "jid").and_then(|jid| self.resolve(&jid));
                let person = person.ok_or(Refused::BadRequest)?;
                match attr(user, "action").as_deref() {
                    Some("add") => Ok((true, person.phone)),
                    Some("remove") => Ok((false, person.phone)),
                    _ => Err(Refused::BadRequest),
                }
            })
            .collect()
    }

    /// The answer names no tokens: receivers get them, issuers do not.
    fn issue_tokens(&mut self, addr: &Addr, tokens: &NodeRef<'_>) -> Answer {
        for token in tokens.get_children_by_tag("token") {
            let receiver = jid_attr(token, "jid").and_then(|jid| self.resolve(&jid));
            let t = attr(token, "t").and_then(|t| t.parse().ok());
            let trusted = attr(token, "type").as_deref() == Some("trusted_contact");
            let (Some(receiver), Some(t), true) = (receiver, t, trusted) else {
                return BAD_REQUEST;
            };
            if self.exists(&receiver.phone) {
                self.issue_token(addr, &receiver.phone, t);
            }
        }
        Answer::empty()
    }

    pub(crate) fn iq_blocklist(&mut self, addr: &Addr, set: bool, node: &NodeRef<'_>) -> Answer {
        if !set {
            return Answer::one(self.blocklist_node(&addr.phone));
        }
        let items: Vec<_> = children(node)
            .iter()
            .filter(|child| child.tag == "item")
            .collect();
        let (Some(item), 1) = (items.first(), items.len()) else {
            return BAD_REQUEST;
        };
        self.change_blocklist(addr, item)
    }

    /// People are blocked by LID, with their number beside it; a number alone is refused.
    fn change_blocklist(&mut self, addr: &Addr, item: &NodeRef<'_>) -> Answer {
        let lid = jid_attr(item, "jid").filter(Jid::is_lid);
        let Some(person) = lid.as_ref().and_then(|lid| self.resolve(lid)) else {
            return BAD_REQUEST;
        };
        let number = jid_attr(item, "pn_jid").and_then(|jid| self.resolve(&jid));
        let block = match attr(item, "action").as_deref() {
            Some("block") if number.is_some_and(|number| number.phone == person.phone) => true,
            Some("unblock") => false,
            _ => return BAD_REQUEST,
        };
        if person.phone == addr.phone {
            return BAD_REQUEST;
        }
        match self.block(addr, &person.phone, block) {
            Ok(()) => Answer::one(self.blocklist_node(&addr.phone)),
            Err(_) => BAD_REQUEST,
        }
    }

    /// Blocks a person, or lets them in again. The account's other companions are told.
    pub(crate) fn block(&mut self, by: &Addr, person: &str, on: bool) -> Result<(), Error> {
        self.change_social(&by.phone, |social| {
            if on {
                social
                    .blocked
                    .entry(person.to_owned())
                    .or_insert_with(now_secs);
            } else {
                social.blocked.remove(person);
            }
        })?;
        let details = json!({"who": person, "block": on});
        self.seen.add("blocklist-set", Some(by), details);
        let changed = NodeBuilder::new("item")
            .attr("jid", self.account(person)?.lid(0))
            .attr("action", if on { "block" } else { "unblock" })
            .build();
        let notice = NodeBuilder::new("blocklist")
            .attr("dhash", self.blocklist_hash(&by.phone))
            .children([changed])
            .build();
        self.tell_own_devices(by, &notice);
        Ok(())
    }

    fn blocklist_hash(&self, phone: &str) -> String {
        self.account(phone)
            .map(|account| list_hash(account.social.blocked.keys()))
            .unwrap_or_default()
    }

    fn blocklist_node(&self, phone: &str) -> Node {
        let items: Vec<_> = self
            .account(phone)
            .map(|account| account.social.blocked.clone())
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(person, t)| {
                let person = self.accounts.get(&person)?;
                let item = NodeBuilder::new("item")
                    .attr("jid", person.lid(0))
                    .attr("pn_jid", person.jid(0))
                    .attr("t", t.to_string());
                Some(item.build())
            })
            .collect();
        NodeBuilder::new("list")
            .attr("addressing_mode", "lid")
            .attr("dhash", self.blocklist_hash(phone))
            .children(items)
            .build()
    }
}
