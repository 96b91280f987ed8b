//! Members come, go, and change their role.

use wacore::iq::groups::GROUP_SIZE_LIMIT;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node};

use super::access::{CONFLICT, Denied, FULL, NOT_ACCEPTABLE, NOT_ADMIN, NOT_FOUND};
use super::{Group, Member, Role};
use crate::time::now_ms;
use crate::world::World;

/// What became of one person in an order about several.
pub(crate) struct Outcome {
    /// The phone number, or a LID that nobody has.
    pub(crate) phone: String,
    /// Why not.
    pub(crate) error: Option<u16>,
}

/// A change of role.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rank {
    /// A member becomes an admin.
    Promote,
    /// An admin becomes a member.
    Demote,
}

impl World {
    /// Puts one person in a group that is not saved yet.
    pub(crate) fn enlist(&self, group: &mut Group, phone: String) -> Outcome {
        let known = self.accounts.contains_key(&phone) && !self.absent.contains(&phone);
        let error = if !known {
            Some(NOT_FOUND.code)
        } else if group.has(&phone) {
            Some(CONFLICT.code)
        } else if group.members.len() >= GROUP_SIZE_LIMIT {
            Some(FULL.code)
        } else {
            None
        };
        if error.is_none() {
            let member = Member {
                role: Role::Member,
                joined: now_ms(),
            };
            group.removed.remove(&phone);
            group.left.remove(&phone);
            group.requests.remove(&phone);
            group.members.insert(phone.clone(), member);
        }
        Outcome { phone, error }
    }

    /// A member adds others.
    pub(crate) fn add_to_group(
        &mut self,
        jid: &Jid,
        actor: &str,
        phones: Vec<String>,
    ) -> Result<Vec<Outcome>, Denied> {
        let mut group = self.group_as_member(jid, actor)?.clone();
        if group.admins_add && !group.is_admin(actor) {
            return Err(NOT_ADMIN);
        }
        let outcomes: Vec<_> = phones
            .into_iter()
            .map(|phone| self.enlist(&mut group, phone))
            .collect();
        self.announce_joined(group, actor, &done(&outcomes), None);
        Ok(outcomes)
    }

    /// Saves a group that these joined, and tells everyone.
    pub(crate) fn announce_joined(
        &mut self,
        group: Group,
        actor: &str,
        joined: &[String],
        reason: Option<&str>,
    ) {
        if joined.is_empty() {
            return;
        }
        let mut add = NodeBuilder::new("add");
        if let Some(reason) = reason {
            add = add.attr("reason", reason);
        }
        let add = add.children(self.participants(&group, joined)).build();
        self.group_changed(group, actor, add);
    }

    /// An admin removes members.
    pub(crate) fn remove_from_group(
        &mut self,
        jid: &Jid,
        actor: &str,
        phones: Vec<String>,
    ) -> Result<Vec<Outcome>, Denied> {
        let before = self.group_as_admin(jid, actor)?.clone();
        let mut group = before.clone();
        let outcomes: Vec<_> = phones
            .into_iter()
            .map(|phone| {
                let error = match group.members.get(&phone).map(|member| member.role) {
                    None => Some(NOT_FOUND.code),
                    Some(Role::SuperAdmin) if phone != actor => Some(NOT_ACCEPTABLE.code),
                    Some(_) => None,
                };
                if error.is_none() {
                    group.members.remove(&phone);
                    if phone != actor {
                        group.removed.insert(phone.clone());
                    }
                }
                Outcome { phone, error }
            })
            .collect();
        self.announce_left(&before, group, actor, &done(&outcomes));
        Ok(outcomes)
    }

    /// A member leaves. The last one takes the group along.
    pub(crate) fn leave_group(&mut self, jid: &Jid, actor: &str) -> Result<(), Denied> {
        let before = self.group_as_member(jid, actor)?.clone();
        let mut group = before.clone();
        group.members.remove(actor);
        self.announce_left(&before, group, actor, &[actor.to_owned()]);
        Ok(())
    }

    fn announce_left(&mut self, before: &Group, mut group: Group, actor: &str, left: &[String]) {
        if left.is_empty() {
            return;
        }
        let now = now_ms();
        group
            .left
            .extend(left.iter().map(|phone| (phone.clone(), now)));
        let remove = NodeBuilder::new("remove")
            .children(self.participants(before, left))
            .build();
        // Those who left are told too.
        self.notify_members(before, actor, &[remove]);
        let heir = without_admin(&group).then(|| oldest(&group)).flatten();
        if let Some(heir) = &heir {
            if let Some(member) = group.members.get_mut(heir) {
                member.role = Role::Admin;
            }
            let promote = NodeBuilder::new("promote")
                .children([self.member_node(&group, heir)])
                .build();
            self.notify_members(&group, actor, &[promote]);
        }
        let id = group.id.clone();
        self.forget_own_sender_keys(&id, &group, left);
        self.groups.insert(id.clone(), group);
        self.save_group(&id);
    }

    /// An admin changes what members may do.
    pub(crate) fn rank_in_group(
        &mut self,
        jid: &Jid,
        actor: &str,
        rank: Rank,
        phones: Vec<String>,
    ) -> Result<Vec<Outcome>, Denied> {
        let mut group = self.group_as_admin(jid, actor)?.clone();
        let outcomes: Vec<_> = phones
            .into_iter()
            .map(|phone| {
                let error = match group.members.get_mut(&phone) {
                    None => Some(NOT_FOUND.code),
                    Some(member) => ranked(member, rank),
                };
                Outcome { phone, error }
            })
            .collect();
        let changed = done(&outcomes);
        if !changed.is_empty() {
            let tag = match rank {
                Rank::Promote => "promote",
                Rank::Demote => "demote",
            };
            let change = NodeBuilder::new(tag)
                .children(self.participants(&group, &changed))
                .build();
            self.group_changed(group, actor, change);
        }
        Ok(outcomes)
    }

    fn participants(&self, group: &Group, phones: &[String]) -> Vec<Node> {
        phones
            .iter()
            .map(|phone| self.member_node(group, phone))
            .collect()
    }
}

/// Gives a member its new role. Returns why not.
fn ranked(member: &mut Member, rank: Rank) -> Option<u16> {
    match (rank, member.role) {
        (Rank::Demote, Role::SuperAdmin) => Some(NOT_ACCEPTABLE.code),
        (Rank::Promote, Role::Member) => {
            member.role = Role::Admin;
            None
        }
        (Rank::Demote, Role::Admin) => {
            member.role = Role::Member;
            None
        }
        _ => Some(CONFLICT.code),
    }
}

/// Whom an order changed something for.
fn done(outcomes: &[Outcome]) -> Vec<String> {
    outcomes
        .iter()
        .filter(|outcome| outcome.error.is_none())
        .map(|outcome| outcome.phone.clone())
        .collect()
}

fn without_admin(group: &Group) -> bool {
    !group.members.is_empty() && !group.members.values().any(|member| member.role.is_admin())
}

fn oldest(group: &Group) -> Option<String> {
    group
        .members
        .iter()
        .min_by_key(|(_, member)| member.joined)
        .map(|(phone, _)| phone.clone())
}
