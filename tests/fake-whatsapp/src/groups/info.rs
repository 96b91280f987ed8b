//! Groups for tests and people to look at.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Addressing, Group, Role};
use crate::world::World;

/// A group.
#[derive(Clone, Debug, Serialize)]
pub struct GroupInfo {
    /// Its JID.
    pub id: String,
    /// Its name.
    pub subject: String,
    /// Its description.
    pub description: Option<String>,
    /// Phone number of the creator.
    pub creator: String,
    /// How members are named.
    pub addressing: Addressing,
    /// Roles by phone number.
    pub members: BTreeMap<String, Role>,
    /// Phone numbers that wait for an admin.
    pub requests: Vec<String>,
    /// Only admins send.
    pub announcement: bool,
    /// Only admins edit.
    pub locked: bool,
    /// Joining waits for an admin.
    pub approval: bool,
    /// Only admins add.
    pub admins_add: bool,
    /// Only admins see the link.
    pub admins_link: bool,
    /// Lifetime of messages in seconds; zero is for ever.
    pub ephemeral: u32,
    /// Code of the invite link.
    pub invite: String,
}

impl From<&Group> for GroupInfo {
    fn from(group: &Group) -> Self {
        let role = |(phone, member): (&String, &super::Member)| (phone.clone(), member.role);
        Self {
            id: group.jid().to_string(),
            subject: group.subject.text.clone(),
            description: group
                .description
                .as_ref()
                .map(|description| description.body.text.clone()),
            creator: group.creator.clone(),
            addressing: group.addressing,
            members: group.members.iter().map(role).collect(),
            requests: group.requests.keys().cloned().collect(),
            announcement: group.announcement,
            locked: group.locked,
            approval: group.approval,
            admins_add: group.admins_add,
            admins_link: group.admins_link,
            ephemeral: group.ephemeral,
            invite: group.invite.clone(),
        }
    }
}

impl World {
    /// All groups.
    pub(crate) fn group_infos(&self) -> Vec<GroupInfo> {
        self.groups.values().map(GroupInfo::from).collect()
    }
}
