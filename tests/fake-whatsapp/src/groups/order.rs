//! What a person with a phone does to a group.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wacore_binary::Jid;

use super::Addressing;
use super::access::Denied;
use super::create::NewGroup;
use super::info::GroupInfo;
use super::invite::Joined;
use super::membership::{Outcome, Rank};
use super::settings::Setting;
use crate::error::Error;
use crate::nodes::description_id;
use crate::phone::chat::group_of;
use crate::world::World;

/// A new group, as a person makes it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct GroupPlan {
    /// Phone number of who makes it.
    pub creator: String,
    /// Its name.
    pub subject: String,
    /// Phone numbers of the first members.
    #[serde(default)]
    pub members: Vec<String>,
    /// How members are named.
    #[serde(default)]
    pub addressing: Addressing,
}

/// Something that a person does to a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum GroupOrder {
    /// Adds people.
    Add {
        /// Their phone numbers.
        phones: Vec<String>,
    },
    /// Removes members.
    Remove {
        /// Their phone numbers.
        phones: Vec<String>,
    },
    /// Makes members admins.
    Promote {
        /// Their phone numbers.
        phones: Vec<String>,
    },
    /// Makes admins members.
    Demote {
        /// Their phone numbers.
        phones: Vec<String>,
    },
    /// Lets people in who asked.
    Approve {
        /// Their phone numbers.
        phones: Vec<String>,
    },
    /// Refuses people who asked.
    Reject {
        /// Their phone numbers.
        phones: Vec<String>,
    },
    /// Reads messages.
    Read {
        /// Their ids.
        ids: Vec<String>,
    },
    /// Leaves.
    Leave,
    /// Uses the invite link.
    Join,
    /// Does not want to join any more.
    Cancel,
    /// Makes a new invite link.
    ResetInvite,
    /// Gives it another name.
    Subject {
        /// The name.
        text: String,
    },
    /// Describes it.
    Description {
        /// The description; none takes the old one away.
        text: Option<String>,
    },
    /// Sets the lifetime of messages.
    Ephemeral {
        /// In seconds; zero is for ever.
        seconds: u32,
    },
    /// Lets only admins send, or everyone.
    Announcement {
        /// Only admins.
        on: bool,
    },
    /// Lets only admins edit, or everyone.
    Locked {
        /// Only admins.
        on: bool,
    },
    /// Has admins agree to who joins, or not.
    Approval {
        /// They must.
        on: bool,
    },
    /// Lets only admins add, or everyone.
    AdminsAdd {
        /// Only admins.
        on: bool,
    },
    /// Lets only admins see the link, or everyone.
    AdminsLink {
        /// Only admins.
        on: bool,
    },
}

/// What became of an order.
#[derive(Clone, Debug, Serialize)]
pub struct GroupReply {
    /// The group afterwards; none when the last member left.
    pub group: Option<GroupInfo>,
    /// Why it did not work for some, by phone number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub failed: BTreeMap<String, u16>,
}

impl World {
    /// A person makes a group with a phone.
    pub(crate) fn phone_creates_group(&mut self, plan: GroupPlan) -> Result<GroupReply, Error> {
        self.account(&plan.creator)?;
        let new = NewGroup {
            subject: plan.subject,
            members: plan.members,
            addressing: plan.addressing,
            admins_link: true,
            ..NewGroup::default()
        };
        let (id, outcomes) = self.create_group(&plan.creator, new)?;
        Ok(self.reply(&Jid::group(id), &outcomes))
    }

    /// A person does something to a group with a phone.
    pub(crate) fn phone_orders(
        &mut self,
        actor: &str,
        group: &str,
        order: GroupOrder,
    ) -> Result<GroupReply, Error> {
        self.account(actor)?;
        let jid = group_of(group)
            .ok_or_else(|| Error::BadRequest(format!("{group:?} is not the JID of a group")))?;
        let outcomes = self.ordered(&jid, actor, order)?;
        Ok(self.reply(&jid, &outcomes))
    }

    fn ordered(
        &mut self,
        jid: &Jid,
        actor: &str,
        order: GroupOrder,
    ) -> Result<Vec<Outcome>, Denied> {
        match order {
            GroupOrder::Add { phones } => return self.add_to_group(jid, actor, phones),
            GroupOrder::Remove { phones } => return self.remove_from_group(jid, actor, phones),
            GroupOrder::Promote { phones } => {
                return self.rank_in_group(jid, actor, Rank::Promote, phones);
            }
            GroupOrder::Demote { phones } => {
                return self.rank_in_group(jid, actor, Rank::Demote, phones);
            }
            GroupOrder::Approve { phones } => {
                return self.answer_requests(jid, actor, true, phones);
            }
            GroupOrder::Reject { phones } => {
                return self.answer_requests(jid, actor, false, phones);
            }
            GroupOrder::Read { ids } => self.phone_reads_in_group(actor, jid, &ids)?,
            GroupOrder::Leave => self.leave_group(jid, actor)?,
            GroupOrder::Join => {
                let code = self.group(jid).map(|group| group.invite.clone());
                let (Joined::Member(_) | Joined::Waiting(_)) =
                    self.join_group(&code.unwrap_or_default(), actor)?;
            }
            GroupOrder::Cancel => self.cancel_request(jid, actor)?,
            GroupOrder::ResetInvite => {
                self.reset_invite(jid, actor)?;
            }
            GroupOrder::Subject { text } => self.set_group_subject(jid, actor, &text)?,
            GroupOrder::Description { text } => {
                let known = self.group(jid).and_then(|group| group.description.as_ref());
                let prev = known.map(|description| description.id.clone());
                let (id, text) = (description_id(), text.as_deref());
                self.set_group_description(jid, actor, &id, prev.as_deref(), text)?;
            }
            GroupOrder::Ephemeral { seconds } => self.set_group_ephemeral(jid, actor, seconds)?,
            GroupOrder::Announcement { on } => {
                self.set_group_setting(jid, actor, Setting::Announcement(on))?;
            }
            GroupOrder::Locked { on } => self.set_group_setting(jid, actor, Setting::Locked(on))?,
            GroupOrder::Approval { on } => {
                self.set_group_setting(jid, actor, Setting::Approval(on))?;
            }
            GroupOrder::AdminsAdd { on } => {
                self.set_group_setting(jid, actor, Setting::AdminsAdd(on))?;
            }
            GroupOrder::AdminsLink { on } => {
                self.set_group_setting(jid, actor, Setting::AdminsLink(on))?;
            }
        }
        Ok(Vec::new())
    }

    fn reply(&self, jid: &Jid, outcomes: &[Outcome]) -> GroupReply {
        let failed = outcomes
            .iter()
            .filter_map(|outcome| Some((outcome.phone.clone(), outcome.error?)));
        GroupReply {
            group: self.group(jid).map(GroupInfo::from),
            failed: failed.collect(),
        }
    }
}
