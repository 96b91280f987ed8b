//! Making a group.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt as _;
use wacore::iq::groups::{GROUP_SIZE_LIMIT, GROUP_SUBJECT_MAX_LENGTH};
use wacore_binary::builder::NodeBuilder;

use super::access::{BAD_REQUEST, Denied, NOT_ACCEPTABLE, NOT_FOUND};
use super::membership::Outcome;
use super::nodes::WHOLE;
use super::{Addressing, Description, Group, Member, Role, Stamped};
use crate::time::{now_ms, now_secs};
use crate::world::World;

/// Ids of groups have eighteen digits and begin like this.
const ID_PREFIX: &str = "120363";
/// Characters of an invite code.
const INVITE_LENGTH: usize = 22;

/// What a new group is like.
#[derive(Default)]
pub(crate) struct NewGroup {
    pub(crate) subject: String,
    pub(crate) addressing: Addressing,
    /// Phone numbers of the first members.
    pub(crate) members: Vec<String>,
    pub(crate) description: Option<(String, String)>,
    pub(crate) approval: bool,
    pub(crate) admins_add: bool,
    pub(crate) admins_link: bool,
    pub(crate) ephemeral: u32,
}

impl World {
    /// Makes a group. Returns its id, and what became of each member in turn.
    pub(crate) fn create_group(
        &mut self,
        creator: &str,
        new: NewGroup,
    ) -> Result<(String, Vec<Outcome>), Denied> {
        if !self.accounts.contains_key(creator) {
            return Err(NOT_FOUND);
        }
        checked_subject(&new.subject)?;
        if new.members.len() >= GROUP_SIZE_LIMIT {
            return Err(NOT_ACCEPTABLE);
        }
        let now = now_secs();
        let stamped = |text: String| Stamped {
            text,
            by: creator.to_owned(),
            at: now,
        };
        let founder = Member {
            role: Role::SuperAdmin,
            joined: now_ms(),
        };
        let mut group = Group {
            id: self.free_group_id(),
            addressing: new.addressing,
            subject: stamped(new.subject),
            description: new.description.map(|(id, text)| Description {
                id,
                body: stamped(text),
            }),
            creator: creator.to_owned(),
            created: now,
            members: BTreeMap::from([(creator.to_owned(), founder)]),
            removed: BTreeSet::new(),
            left: BTreeMap::new(),
            requests: BTreeMap::new(),
            locked: false,
            announcement: false,
            approval: new.approval,
            admins_add: new.admins_add,
            admins_link: new.admins_link,
            ephemeral: new.ephemeral,
            invite: invite_code(),
        };
        let outcomes = new
            .members
            .into_iter()
            .filter(|phone| phone != creator)
            .map(|phone| self.enlist(&mut group, phone))
            .collect();
        let id = group.id.clone();
        let create = NodeBuilder::new("create")
            .attr("type", "new")
            .children([self.group_node(&group, WHOLE)])
            .build();
        self.group_changed(group, creator, create);
        Ok((id, outcomes))
    }

    fn free_group_id(&self) -> String {
        loop {
            let number = rand::rng().random_range(0..1_000_000_000_000_u64);
            let id = format!("{ID_PREFIX}{number:012}");
            if !self.groups.contains_key(&id) {
                return id;
            }
        }
    }
}

/// A subject has at least one character, and at most what clients allow.
pub(crate) fn checked_subject(subject: &str) -> Result<(), Denied> {
    let length = subject.chars().count();
    if length == 0 {
        return Err(BAD_REQUEST);
    }
    if length > GROUP_SUBJECT_MAX_LENGTH {
        return Err(NOT_ACCEPTABLE);
    }
    Ok(())
}

/// A new code for an invite link.
pub(crate) fn invite_code() -> String {
    let letters = rand::distr::Alphanumeric;
    rand::rng()
        .sample_iter(letters)
        .take(INVITE_LENGTH)
        .map(char::from)
        .collect()
}
