//! The invite link: seeing it, resetting it, using it.

use wacore::iq::groups::GROUP_SIZE_LIMIT;
use wacore_binary::Jid;
use wacore_binary::builder::NodeBuilder;

use super::access::{ALREADY, Denied, FULL, GONE, NOT_ADMIN, NOT_FOUND, REMOVED};
use super::create::invite_code;
use super::{Group, JoinRequest};
use crate::store::Bucket;
use crate::time::now_secs;
use crate::world::World;

/// What using a link led to.
pub(crate) enum Joined {
    /// In the group.
    Member(Jid),
    /// An admin has to agree.
    Waiting(Jid),
}

impl World {
    /// The code of the link.
    pub(crate) fn invite_of(&self, jid: &Jid, actor: &str) -> Result<String, Denied> {
        let group = self.group_as_member(jid, actor)?;
        if group.admins_link && !group.is_admin(actor) {
            return Err(NOT_ADMIN);
        }
        Ok(group.invite.clone())
    }

    /// An admin makes the old link useless. Returns the new code.
    pub(crate) fn reset_invite(&mut self, jid: &Jid, actor: &str) -> Result<String, Denied> {
        let mut group = self.group_as_admin(jid, actor)?.clone();
        let old = std::mem::replace(&mut group.invite, invite_code());
        self.store.put_bytes(Bucket::OldInvite, old.clone(), b"");
        self.old_invites.insert(old);
        let code = group.invite.clone();
        let change = NodeBuilder::new("invite")
            .attr("code", code.as_str())
            .build();
        self.group_changed(group, actor, change);
        Ok(code)
    }

    /// The group behind a code.
    pub(crate) fn invited(&self, code: &str) -> Result<&Group, Denied> {
        if self.old_invites.contains(code) {
            return Err(GONE);
        }
        let mut groups = self.groups.values();
        groups.find(|group| group.invite == code).ok_or(NOT_FOUND)
    }

    /// Someone uses a link.
    pub(crate) fn join_group(&mut self, code: &str, actor: &str) -> Result<Joined, Denied> {
        let mut group = self.invited(code)?.clone();
        let jid = group.jid();
        if group.has(actor) {
            return Err(ALREADY);
        }
        if group.removed.contains(actor) {
            return Err(REMOVED);
        }
        if group.members.len() >= GROUP_SIZE_LIMIT {
            return Err(FULL);
        }
        if group.approval {
            let request = JoinRequest {
                at: now_secs(),
                method: "invite_link".to_owned(),
            };
            self.ask_to_join(group, actor, request);
            return Ok(Joined::Waiting(jid));
        }
        self.enlist(&mut group, actor.to_owned());
        self.announce_joined(group, actor, &[actor.to_owned()], Some("invite"));
        Ok(Joined::Member(jid))
    }
}
