//! Orders about one group (`wacore/src/iq/groups.rs`).

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node, NodeRef};

use super::groups::Outcome as Reply;
use crate::groups::Addressing;
use crate::groups::access::BAD_REQUEST;
use crate::groups::create::NewGroup;
use crate::groups::membership::{Outcome, Rank};
use crate::groups::nodes::WHOLE;
use crate::groups::settings::Setting;
use crate::iq::Answer;
use crate::nodes::{attr, jid_attr};
use crate::world::World;

/// Makes a group. Communities are not known here.
pub(super) fn create(world: &mut World, actor: &str, order: &NodeRef<'_>) -> Reply {
    if ["parent", "linked_parent"]
        .iter()
        .any(|tag| order.get_optional_child(tag).is_some())
    {
        return Ok(Answer::Unknown);
    }
    let text = |tag: &str| {
        order
            .get_optional_child(tag)
            .and_then(NodeRef::content_as_string)
            .map(|text| text.to_string())
    };
    let description = order.get_optional_child("description").and_then(|node| {
        let body = node.get_optional_child("body")?.content_as_string()?;
        Some((attr(node, "id")?, body.to_string()))
    });
    let new = NewGroup {
        subject: attr(order, "subject").unwrap_or_default(),
        addressing: Addressing::Lid,
        members: people(world, order),
        description,
        approval: approval_state(order).unwrap_or(false),
        // Without a word about it, members may add and admins have the link.
        admins_add: text("member_add_mode").as_deref() == Some("admin_add"),
        admins_link: text("member_link_mode").as_deref() != Some("all_member_link"),
        ephemeral: seconds(order.get_optional_child("ephemeral")),
    };
    let (id, outcomes) = world.create_group(actor, new)?;
    let failed = outcomes.iter().filter(|outcome| outcome.error.is_some());
    let failed: Vec<_> = failed
        .map(|outcome| outcome_node(world, Addressing::Lid, outcome))
        .collect();
    let Some(group) = world.groups.get(&id) else {
        return Err(BAD_REQUEST);
    };
    let mut node = world.group_node(group, WHOLE);
    if let Some(wacore_binary::NodeContent::Nodes(children)) = &mut node.content {
        children.extend(failed);
    }
    Ok(Answer::one(node))
}

/// Answers an order about one group.
pub(super) fn answer(world: &mut World, jid: &Jid, actor: &str, order: &NodeRef<'_>) -> Reply {
    let tag = order.tag.as_ref();
    if let Some(setting) = setting(tag, order) {
        world.set_group_setting(jid, actor, setting)?;
        return Ok(Answer::empty());
    }
    match tag {
        "add" => {
            let people = people(world, order);
            let outcomes = world.add_to_group(jid, actor, people)?;
            Ok(outcomes_node(world, jid, "add", &outcomes))
        }
        "remove" => {
            let people = people(world, order);
            let outcomes = world.remove_from_group(jid, actor, people)?;
            Ok(outcomes_node(world, jid, "remove", &outcomes))
        }
        "promote" | "demote" => {
            let (rank, tag) = if tag == "promote" {
                (Rank::Promote, "promote")
            } else {
                (Rank::Demote, "demote")
            };
            let people = people(world, order);
            let outcomes = world.rank_in_group(jid, actor, rank, people)?;
            Ok(outcomes_node(world, jid, tag, &outcomes))
        }
        "subject" => {
            let subject = order.content_as_string().unwrap_or_default();
            world.set_group_subject(jid, actor, &subject)?;
            Ok(Answer::empty())
        }
        "description" => describe(world, jid, actor, order),
        "ephemeral" => {
            world.set_group_ephemeral(jid, actor, seconds(Some(order)))?;
            Ok(Answer::empty())
        }
        "not_ephemeral" => {
            world.set_group_ephemeral(jid, actor, 0)?;
            Ok(Answer::empty())
        }
        "invite" => {
            let code = world.reset_invite(jid, actor)?;
            let invite = NodeBuilder::new("invite").attr("code", code).build();
            Ok(Answer::one(invite))
        }
        "membership_requests_action" => requests(world, jid, actor, order),
        "cancel_membership_requests" => {
            world.cancel_request(jid, actor)?;
            let outcome = Outcome {
                phone: actor.to_owned(),
                error: None,
            };
            Ok(outcomes_node(
                world,
                jid,
                "cancel_membership_requests",
                &[outcome],
            ))
        }
        "ack" => {
            world.group_as_member(jid, actor)?;
            Ok(Answer::empty())
        }
        _ => Ok(Answer::Unknown),
    }
}

fn setting(tag: &str, order: &NodeRef<'_>) -> Option<Setting> {
    let text = || order.content_as_string().unwrap_or_default();
    Some(match tag {
        "announcement" => Setting::Announcement(true),
        "not_announcement" => Setting::Announcement(false),
        "locked" => Setting::Locked(true),
        "unlocked" => Setting::Locked(false),
        "membership_approval_mode" => {
            let join = order.get_optional_child("group_join")?;
            Setting::Approval(attr(join, "state").as_deref() == Some("on"))
        }
        "member_add_mode" => Setting::AdminsAdd(text() == "admin_add"),
        "member_link_mode" => Setting::AdminsLink(text() == "admin_link"),
        _ => return None,
    })
}

fn describe(world: &mut World, jid: &Jid, actor: &str, order: &NodeRef<'_>) -> Reply {
    let id = attr(order, "id").ok_or(BAD_REQUEST)?;
    let prev = attr(order, "prev");
    let text = order
        .get_optional_child("body")
        .and_then(NodeRef::content_as_string);
    if text.is_none() && attr(order, "delete").as_deref() != Some("true") {
        return Err(BAD_REQUEST);
    }
    world.set_group_description(jid, actor, &id, prev.as_deref(), text.as_deref())?;
    Ok(Answer::empty())
}

fn requests(world: &mut World, jid: &Jid, actor: &str, order: &NodeRef<'_>) -> Reply {
    let (tag, inner) = ["approve", "reject"]
        .into_iter()
        .find_map(|tag| Some((tag, order.get_optional_child(tag)?)))
        .ok_or(BAD_REQUEST)?;
    let people = people(world, inner);
    let outcomes = world.answer_requests(jid, actor, tag == "approve", people)?;
    let addressing = addressing(world, jid);
    let inner = NodeBuilder::new(tag)
        .children(nodes(world, addressing, &outcomes))
        .build();
    Ok(Answer::one(
        NodeBuilder::new("membership_requests_action")
            .children([inner])
            .build(),
    ))
}

fn approval_state(order: &NodeRef<'_>) -> Option<bool> {
    let mode = order.get_optional_child("membership_approval_mode")?;
    let join = mode.get_optional_child("group_join")?;
    Some(attr(join, "state")? == "on")
}

fn seconds(node: Option<&NodeRef<'_>>) -> u32 {
    node.and_then(|node| attr(node, "expiration"))
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// Phone numbers of the `<participant>` children.
fn people(world: &World, order: &NodeRef<'_>) -> Vec<String> {
    order
        .get_children_by_tag("participant")
        .filter_map(|node| jid_attr(node, "jid"))
        .map(|jid| match world.resolve(&jid) {
            Some(addr) => addr.phone,
            None => jid.user.to_string(),
        })
        .collect()
}

fn addressing(world: &World, jid: &Jid) -> Addressing {
    world
        .group(jid)
        .map_or_else(Addressing::default, |group| group.addressing)
}

fn outcomes_node(world: &World, jid: &Jid, tag: &'static str, outcomes: &[Outcome]) -> Answer {
    let nodes = nodes(world, addressing(world, jid), outcomes);
    Answer::one(NodeBuilder::new(tag).children(nodes).build())
}

fn nodes(world: &World, addressing: Addressing, outcomes: &[Outcome]) -> Vec<Node> {
    outcomes
        .iter()
        .map(|outcome| outcome_node(world, addressing, outcome))
        .collect()
}

fn outcome_node(world: &World, addressing: Addressing, outcome: &Outcome) -> Node {
    let node = world.participant(addressing, &outcome.phone);
    match outcome.error {
        Some(error) => node.attr("error", error.to_string()).build(),
        None => node.build(),
    }
}
