//! Groups: who is in them, what they are called, and who may do what.

pub(crate) mod access;
pub(crate) mod create;
pub(crate) mod info;
pub(crate) mod invite;
pub(crate) mod membership;
pub(crate) mod nodes;
pub(crate) mod notify;
pub(crate) mod order;
pub(crate) mod requests;
pub(crate) mod settings;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use wacore_binary::Jid;

use crate::store::Bucket;
use crate::world::World;

/// How the members of a group are named on the wire (`addressing_mode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Addressing {
    /// By LID, with the phone number beside it. New groups are like this.
    #[default]
    Lid,
    /// By phone number, with the LID beside it.
    Pn,
}

impl Addressing {
    /// The value of the attribute.
    pub(crate) fn wire(self) -> &'static str {
        match self {
            Self::Lid => "lid",
            Self::Pn => "pn",
        }
    }
}

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Read, and mostly write.
    Member,
    /// Change the group too.
    Admin,
    /// The creator: an admin whom nobody removes.
    SuperAdmin,
}

impl Role {
    /// Whether this is an admin of either kind.
    pub(crate) fn is_admin(self) -> bool {
        self != Self::Member
    }

    /// The value of `type`; plain members have none.
    pub(crate) fn wire(self) -> Option<&'static str> {
        match self {
            Self::Member => None,
            Self::Admin => Some("admin"),
            Self::SuperAdmin => Some("superadmin"),
        }
    }
}

/// One member.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) role: Role,
    /// Milliseconds since 1970.
    pub(crate) joined: u64,
}

/// A text that a member set.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Stamped {
    pub(crate) text: String,
    /// Phone number of who set it.
    pub(crate) by: String,
    /// Seconds since 1970.
    pub(crate) at: u64,
}

/// The description, with the token that guards against lost updates.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Description {
    pub(crate) id: String,
    pub(crate) body: Stamped,
}

/// Someone who wants to join.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct JoinRequest {
    /// Seconds since 1970.
    pub(crate) at: u64,
    /// `invite_link` or `non_admin_add`.
    pub(crate) method: String,
}

/// A group.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    /// The user part of its JID.
    pub(crate) id: String,
    pub(crate) addressing: Addressing,
    pub(crate) subject: Stamped,
    pub(crate) description: Option<Description>,
    /// Phone number of the creator.
    pub(crate) creator: String,
    /// Seconds since 1970.
    pub(crate) created: u64,
    /// Members by phone number.
    pub(crate) members: BTreeMap<String, Member>,
    /// Whom an admin removed: the invite link does not bring them back.
    pub(crate) removed: BTreeSet<String>,
    /// When former members went, in milliseconds since 1970.
    #[serde(default)]
    pub(crate) left: BTreeMap<String, u64>,
    /// Whoever waits for an admin, by phone number.
    pub(crate) requests: BTreeMap<String, JoinRequest>,
    /// Only admins change subject, description and message timer.
    pub(crate) locked: bool,
    /// Only admins send messages.
    pub(crate) announcement: bool,
    /// Joining by link waits for an admin.
    pub(crate) approval: bool,
    /// Only admins add members.
    pub(crate) admins_add: bool,
    /// Only admins see the invite link.
    pub(crate) admins_link: bool,
    /// Lifetime of messages in seconds; zero is for ever.
    pub(crate) ephemeral: u32,
    /// The code of the invite link.
    pub(crate) invite: String,
}

impl Group {
    /// Its JID.
    pub(crate) fn jid(&self) -> Jid {
        Jid::group(self.id.as_str())
    }

    /// Whether this phone number is a member.
    pub(crate) fn has(&self, phone: &str) -> bool {
        self.members.contains_key(phone)
    }

    /// Whether this phone number is an admin.
    pub(crate) fn is_admin(&self, phone: &str) -> bool {
        self.members
            .get(phone)
            .is_some_and(|member| member.role.is_admin())
    }
}

impl World {
    /// The group that a JID names.
    pub(crate) fn group(&self, jid: &Jid) -> Option<&Group> {
        self.groups.get(jid.user.as_str())
    }

    /// Writes a group, or forgets it when nobody is left.
    pub(crate) fn save_group(&mut self, id: &str) {
        let Some(group) = self.groups.get(id) else {
            return;
        };
        if group.members.is_empty() {
            self.groups.remove(id);
            self.store.delete(Bucket::Group, id.to_owned());
        } else {
            self.store.put(Bucket::Group, id.to_owned(), group);
        }
    }

    /// Groups of an account.
    pub(crate) fn groups_of<'w>(&'w self, phone: &'w str) -> impl Iterator<Item = &'w Group> {
        self.groups.values().filter(move |group| group.has(phone))
    }
}
