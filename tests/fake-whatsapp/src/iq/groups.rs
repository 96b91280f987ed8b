//! Requests about groups (`wacore/src/iq/groups.rs`).

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, JidExt as _, Node, NodeRef};

use super::group_set;
use crate::addr::Addr;
use crate::groups::access::{BAD_REQUEST, Denied, NOT_ACCEPTABLE, NOT_FOUND, NOT_MEMBER};
use crate::groups::invite::Joined;
use crate::groups::nodes::{Parts, WHOLE};
use crate::iq::Answer;
use crate::nodes::{attr, children, jid_attr};
use crate::world::World;

/// What a handler says: an answer, or why not.
pub(super) type Outcome = Result<Answer, Denied>;

impl World {
    /// Answers a `w:g2` request.
    pub(crate) fn iq_groups(&mut self, addr: &Addr, set: bool, node: &NodeRef<'_>) -> Answer {
        let to = jid_attr(node, "to").filter(Jid::is_group);
        // Requests that are not about one group go to `@g.us`, which some write as `g.us`.
        let group = to.filter(|jid| !jid.user.is_empty());
        let Some(order) = children(node).first() else {
            return Answer::Error(BAD_REQUEST.code, BAD_REQUEST.text);
        };
        let answer = match (group, set) {
            (None, false) => self.ask_groups(&addr.phone, order),
            (None, true) => self.set_groups(&addr.phone, order),
            (Some(group), false) => self.ask_group(&group, &addr.phone, order),
            (Some(group), true) => group_set::answer(self, &group, &addr.phone, order),
        };
        answer.unwrap_or_else(|denied| Answer::Error(denied.code, denied.text))
    }

    fn ask_groups(&self, actor: &str, order: &NodeRef<'_>) -> Outcome {
        match order.tag.as_ref() {
            "participating" => Ok(Answer::one(self.participating(actor, order))),
            "query" => Ok(Answer::one(self.batch(actor, order))),
            "invite" => {
                let code = attr(order, "code").ok_or(BAD_REQUEST)?;
                // A code that never was one is not acceptable (`InviteInfoError`).
                let group = self.invited(&code).map_err(|denied| {
                    if denied == NOT_FOUND {
                        NOT_ACCEPTABLE
                    } else {
                        denied
                    }
                })?;
                Ok(Answer::one(self.group_node(group, WHOLE)))
            }
            _ => Ok(Answer::Unknown),
        }
    }

    fn set_groups(&mut self, actor: &str, order: &NodeRef<'_>) -> Outcome {
        match order.tag.as_ref() {
            "create" => group_set::create(self, actor, order),
            "leave" => {
                let mut left = Vec::new();
                for group in order.get_children_by_tag("group") {
                    let jid = jid_attr(group, "id").ok_or(BAD_REQUEST)?;
                    let mut answer = NodeBuilder::new("group").attr("id", &jid);
                    if let Err(denied) = self.leave_group(&jid, actor) {
                        answer = answer.attr("error", denied.code.to_string());
                    }
                    left.push(answer.build());
                }
                Ok(Answer::one(
                    NodeBuilder::new("leave").children(left).build(),
                ))
            }
            "invite" => {
                let code = attr(order, "code").ok_or(BAD_REQUEST)?;
                let (tag, jid) = match self.join_group(&code, actor)? {
                    Joined::Member(jid) => ("group", jid),
                    Joined::Waiting(jid) => ("membership_approval_request", jid),
                };
                Ok(Answer::one(NodeBuilder::new(tag).attr("jid", jid).build()))
            }
            _ => Ok(Answer::Unknown),
        }
    }

    fn ask_group(&self, jid: &Jid, actor: &str, order: &NodeRef<'_>) -> Outcome {
        match order.tag.as_ref() {
            "query" => {
                let group = self.group_as_member(jid, actor)?;
                if attr(order, "phash").is_some_and(|phash| self.members_hash(group) == phash) {
                    return Ok(Answer::empty());
                }
                Ok(Answer::one(self.group_node(group, WHOLE)))
            }
            "invite" => {
                let code = self.invite_of(jid, actor)?;
                Ok(Answer::one(
                    NodeBuilder::new("invite").attr("code", code).build(),
                ))
            }
            "membership_approval_requests" => {
                let group = self.group_as_admin(jid, actor)?;
                let requests = group.requests.iter().map(|(phone, request)| {
                    let name = self.group_names(group.addressing, phone);
                    NodeBuilder::new("membership_approval_request")
                        .attr(
                            "jid",
                            name.map_or_else(|| Jid::pn(phone.as_str()), |name| name.0),
                        )
                        .attr("request_method", request.method.as_str())
                        .attr("request_time", request.at.to_string())
                        .build()
                });
                let requests: Vec<_> = requests.collect();
                Ok(Answer::one(
                    NodeBuilder::new("membership_approval_requests")
                        .children(requests)
                        .build(),
                ))
            }
            _ => Ok(Answer::Unknown),
        }
    }

    fn participating(&self, actor: &str, order: &NodeRef<'_>) -> Node {
        let parts = Parts {
            members: order.get_optional_child("participants").is_some(),
            description: order.get_optional_child("description").is_some(),
        };
        let groups: Vec<_> = self
            .groups_of(actor)
            .map(|group| self.group_node(group, parts))
            .collect();
        NodeBuilder::new("groups").children(groups).build()
    }

    fn batch(&self, actor: &str, order: &NodeRef<'_>) -> Node {
        let asked = order.get_children_by_tag("group");
        let groups: Vec<_> = asked
            .filter_map(|node| jid_attr(node, "jid"))
            .map(|jid| match self.group_as_member(&jid, actor) {
                Ok(group) => self.group_node(group, WHOLE),
                Err(denied) => {
                    let denied = if denied == NOT_MEMBER {
                        NOT_MEMBER
                    } else {
                        NOT_FOUND
                    };
                    NodeBuilder::new("group")
                        .attr("id", jid)
                        .attr("error", denied.code.to_string())
                        .build()
                }
            })
            .collect();
        NodeBuilder::new("groups").children(groups).build()
    }
}
