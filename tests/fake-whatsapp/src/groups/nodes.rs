//! Groups and members as stanzas (`wacore/src/iq/groups.rs`, `GroupInfoResponse`).

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node};

use super::{Addressing, Group};
use crate::world::World;

/// Which optional parts of a group an answer has.
#[derive(Clone, Copy)]
pub(crate) struct Parts {
    pub(crate) members: bool,
    pub(crate) description: bool,
}

/// Everything.
pub(crate) const WHOLE: Parts = Parts {
    members: true,
    description: true,
};

impl World {
    /// A member as the group names it, and its name in the other namespace.
    pub(crate) fn group_names(&self, addressing: Addressing, phone: &str) -> Option<(Jid, Jid)> {
        let account = self.accounts.get(phone)?;
        Some(match addressing {
            Addressing::Lid => (account.lid(0), account.jid(0)),
            Addressing::Pn => (account.jid(0), account.lid(0)),
        })
    }

    /// `<participant jid …>` of anyone, with both names.
    pub(crate) fn participant(&self, addressing: Addressing, phone: &str) -> NodeBuilder {
        let node = NodeBuilder::new("participant");
        match self.group_names(addressing, phone) {
            Some((jid, other)) => node.attr("jid", jid).attr(
                match addressing {
                    Addressing::Lid => "phone_number",
                    Addressing::Pn => "lid",
                },
                other,
            ),
            None => node.attr("jid", Jid::pn(phone)),
        }
    }

    /// `<participant>` of a member, with its role.
    pub(crate) fn member_node(&self, group: &Group, phone: &str) -> Node {
        let node = self.participant(group.addressing, phone);
        let role = group
            .members
            .get(phone)
            .and_then(|member| member.role.wire());
        match role {
            Some(role) => node.attr("type", role).build(),
            None => node.build(),
        }
    }

    /// `<group>` with all that is known.
    pub(crate) fn group_node(&self, group: &Group, parts: Parts) -> Node {
        let mut node = NodeBuilder::new("group")
            .attr("id", group.id.as_str())
            .attr("subject", group.subject.text.as_str())
            .attr("s_t", group.subject.at.to_string())
            .attr("creation", group.created.to_string())
            .attr("addressing_mode", group.addressing.wire())
            .attr("size", group.members.len().to_string());
        let owners = [("s_o", &group.subject.by), ("creator", &group.creator)];
        for (name, phone) in owners {
            if let Some((jid, other)) = self.group_names(group.addressing, phone) {
                node = node.attr(name, jid);
                node = match (group.addressing, name) {
                    (Addressing::Lid, "s_o") => node.attr("s_o_pn", other),
                    (Addressing::Lid, _) => node.attr("creator_pn", other),
                    (Addressing::Pn, _) => node,
                };
            }
        }
        let mut children = Vec::new();
        if parts.members {
            let members = group.members.keys();
            children.extend(members.map(|phone| self.member_node(group, phone)));
        }
        if parts.description
            && let Some(description) = self.description_node(group)
        {
            children.push(description);
        }
        children.extend(settings(group));
        node.children(children).build()
    }

    fn description_node(&self, group: &Group) -> Option<Node> {
        let description = group.description.as_ref()?;
        let mut node = NodeBuilder::new("description")
            .attr("id", description.id.as_str())
            .attr("t", description.body.at.to_string());
        if let Some((jid, other)) = self.group_names(group.addressing, &description.body.by) {
            node = node.attr("participant", jid);
            if group.addressing == Addressing::Lid {
                node = node.attr("participant_pn", other);
            }
        }
        Some(node.children([body(&description.body.text)]).build())
    }
}

/// `<body>` of a description.
pub(crate) fn body(text: &str) -> Node {
    NodeBuilder::new("body").string_content(text).build()
}

/// `<membership_approval_mode>`.
pub(crate) fn approval(on: bool) -> Node {
    let state = if on { "on" } else { "off" };
    NodeBuilder::new("membership_approval_mode")
        .children([NodeBuilder::new("group_join").attr("state", state).build()])
        .build()
}

/// `<member_add_mode>`.
pub(crate) fn add_mode(admins: bool) -> Node {
    let mode = if admins {
        "admin_add"
    } else {
        "all_member_add"
    };
    NodeBuilder::new("member_add_mode")
        .string_content(mode)
        .build()
}

/// `<member_link_mode>`.
pub(crate) fn link_mode(admins: bool) -> Node {
    let mode = if admins {
        "admin_link"
    } else {
        "all_member_link"
    };
    NodeBuilder::new("member_link_mode")
        .string_content(mode)
        .build()
}

/// The settings that are not at their plain value, and the modes.
fn settings(group: &Group) -> Vec<Node> {
    let mut nodes = Vec::new();
    for (on, tag) in [
        (group.locked, "locked"),
        (group.announcement, "announcement"),
    ] {
        if on {
            nodes.push(NodeBuilder::new(tag).build());
        }
    }
    if group.ephemeral > 0 {
        nodes.push(
            NodeBuilder::new("ephemeral")
                .attr("expiration", group.ephemeral.to_string())
                .build(),
        );
    }
    if group.approval {
        nodes.push(approval(true));
    }
    nodes.push(add_mode(group.admins_add));
    nodes.push(link_mode(group.admins_link));
    nodes
}
