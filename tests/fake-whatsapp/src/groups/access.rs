//! Who may do what, and what the server says when someone may not.

use wacore_binary::Jid;

use super::Group;
use crate::error::Error;
use crate::world::World;

/// A refused order, as in `<error code text>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Denied {
    pub(crate) code: u16,
    pub(crate) text: &'static str,
}

/// The order makes no sense.
pub(crate) const BAD_REQUEST: Denied = denied(400, "bad-request");
/// A member, but not an admin. Clients of WhatsApp tell it so apart from [`NOT_MEMBER`].
pub(crate) const NOT_ADMIN: Denied = denied(401, "not-authorized");
/// Not a member of this group.
pub(crate) const NOT_MEMBER: Denied = denied(403, "forbidden");
/// There is no such group, or no such person.
pub(crate) const NOT_FOUND: Denied = denied(404, "item-not-found");
/// An admin removed this person (`GroupJoinError` in `wacore/src/iq/groups.rs`).
pub(crate) const REMOVED: Denied = denied(405, "not-allowed");
/// Never done: the creator stays an admin, for example.
pub(crate) const NOT_ACCEPTABLE: Denied = denied(406, "not-acceptable");
/// Already so, or changed by someone else in between.
pub(crate) const CONFLICT: Denied = denied(409, "conflict");
/// The invite link was reset (`InviteInfoError` in `wacore/src/iq/groups.rs`).
pub(crate) const GONE: Denied = denied(410, "gone");
/// The group is full (`GroupJoinError` in `wacore/src/iq/groups.rs`).
pub(crate) const FULL: Denied = denied(419, "resource-limit");
/// Already a member (`GroupJoinError` in `wacore/src/iq/groups.rs`).
pub(crate) const ALREADY: Denied = denied(304, "not-modified");

const fn denied(code: u16, text: &'static str) -> Denied {
    Denied { code, text }
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        Self::Denied {
            code: denied.code,
            text: denied.text,
        }
    }
}

impl World {
    /// The group, for one of its members.
    pub(crate) fn group_as_member(&self, group: &Jid, actor: &str) -> Result<&Group, Denied> {
        let group = self.group(group).ok_or(NOT_FOUND)?;
        if group.has(actor) {
            Ok(group)
        } else {
            Err(NOT_MEMBER)
        }
    }

    /// The group, for one of its admins.
    pub(crate) fn group_as_admin(&self, group: &Jid, actor: &str) -> Result<&Group, Denied> {
        let group = self.group_as_member(group, actor)?;
        if group.is_admin(actor) {
            Ok(group)
        } else {
            Err(NOT_ADMIN)
        }
    }

    /// The group, for someone who may change what it is called.
    pub(crate) fn group_as_editor(&self, group: &Jid, actor: &str) -> Result<&Group, Denied> {
        let group = self.group_as_member(group, actor)?;
        if group.locked && !group.is_admin(actor) {
            return Err(NOT_ADMIN);
        }
        Ok(group)
    }
}
