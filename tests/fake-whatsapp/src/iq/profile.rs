//! The account's own timer, and the profiles of businesses.
//!
//! Shapes: `wacore/src/iq/privacy.rs` (disappearing mode) and `wacore/src/iq/business.rs`.

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

use crate::addr::Addr;
use crate::iq::Answer;
use crate::nodes::{attr, jid_attr};
use crate::world::World;
use crate::world::social::Business;

const BAD_REQUEST: Answer = Answer::Error(400, "bad-request");
const NOT_FOUND: Answer = Answer::Error(404, "item-not-found");
/// The timers that WhatsApp offers, in seconds.
const TIMERS: &[u32] = &[0, 86_400, 604_800, 7_776_000];

impl World {
    pub(crate) fn iq_disappearing(&mut self, addr: &Addr, set: bool, node: &NodeRef<'_>) -> Answer {
        if !set {
            return self.disappearing_mode(addr);
        }
        let seconds = node
            .get_optional_child("disappearing_mode")
            .and_then(|mode| attr(mode, "duration"))
            .and_then(|seconds| seconds.parse().ok());
        match seconds.filter(|seconds| TIMERS.contains(seconds)) {
            Some(seconds) if self.set_disappearing(addr, seconds).is_ok() => Answer::empty(),
            _ => BAD_REQUEST,
        }
    }

    fn disappearing_mode(&self, addr: &Addr) -> Answer {
        let Ok(account) = self.account(&addr.phone) else {
            return NOT_FOUND;
        };
        let mode = account.social.disappearing;
        Answer::one(
            NodeBuilder::new("disappearing_mode")
                .attr("duration", mode.seconds.to_string())
                .attr("t", mode.at.to_string())
                .build(),
        )
    }

    pub(crate) fn iq_business(&self, node: &NodeRef<'_>) -> Answer {
        let Some(request) = node.get_optional_child("business_profile") else {
            return BAD_REQUEST;
        };
        let profiles: Vec<Node> = request
            .get_children_by_tag("profile")
            .filter_map(|profile| {
                let asked = jid_attr(profile, "jid")?;
                let addr = self.resolve(&asked)?;
                let business = self.accounts.get(&addr.phone)?.social.business.as_ref()?;
                Some(profile_node(business).attr("jid", &asked).build())
            })
            .collect();
        let answer = NodeBuilder::new("business_profile").attr("v", "244");
        Answer::one(answer.children(profiles).build())
    }
}

fn profile_node(business: &Business) -> NodeBuilder {
    let mut content = vec![text("description", &business.description)];
    content.extend(
        business
            .address
            .iter()
            .map(|address| text("address", address)),
    );
    content.extend(business.email.iter().map(|email| text("email", email)));
    content.extend(business.website.iter().map(|page| text("website", page)));
    content.extend(business.category.iter().map(|name| {
        let category = NodeBuilder::new("category")
            .attr("id", "1")
            .bytes(name.as_bytes().to_vec())
            .build();
        NodeBuilder::new("categories").children([category]).build()
    }));
    NodeBuilder::new("profile").children(content)
}

fn text(tag: &'static str, value: &str) -> Node {
    NodeBuilder::new(tag)
        .bytes(value.as_bytes().to_vec())
        .build()
}
