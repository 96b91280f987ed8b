//! Subject, description and settings.

use wacore::iq::groups::{GROUP_DESCRIPTION_MAX_LENGTH, GROUP_EPHEMERAL_EXPIRATION_MAX};
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node};

use super::access::{CONFLICT, Denied, NOT_ACCEPTABLE};
use super::create::checked_subject;
use super::nodes::{add_mode, approval, body, link_mode};
use super::{Description, Group, Stamped};
use crate::time::now_secs;
use crate::world::World;

/// A setting that admins change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    /// Only admins send.
    Announcement(bool),
    /// Only admins edit.
    Locked(bool),
    /// Joining waits for an admin.
    Approval(bool),
    /// Only admins add.
    AdminsAdd(bool),
    /// Only admins see the link.
    AdminsLink(bool),
}

impl World {
    /// A member gives the group another name.
    pub(crate) fn set_group_subject(
        &mut self,
        jid: &Jid,
        actor: &str,
        subject: &str,
    ) -> Result<(), Denied> {
        let mut group = self.group_as_editor(jid, actor)?.clone();
        checked_subject(subject)?;
        group.subject = stamped(subject, actor);
        let mut change = NodeBuilder::new("subject")
            .attr("subject", subject)
            .attr("s_t", group.subject.at.to_string());
        if let Some((owner, _)) = self.group_names(group.addressing, actor) {
            change = change.attr("s_o", owner);
        }
        self.group_changed(group, actor, change.build());
        Ok(())
    }

    /// A member describes the group, or takes the description away. `prev` names the
    /// description that the member saw; another one means that someone was faster.
    pub(crate) fn set_group_description(
        &mut self,
        jid: &Jid,
        actor: &str,
        id: &str,
        prev: Option<&str>,
        text: Option<&str>,
    ) -> Result<(), Denied> {
        let mut group = self.group_as_editor(jid, actor)?.clone();
        let current = group.description.as_ref().map(|known| known.id.as_str());
        if current != prev {
            return Err(CONFLICT);
        }
        if text.is_some_and(|text| text.chars().count() > GROUP_DESCRIPTION_MAX_LENGTH) {
            return Err(NOT_ACCEPTABLE);
        }
        group.description = text.map(|text| Description {
            id: id.to_owned(),
            body: stamped(text, actor),
        });
        let content = match text {
            Some(text) => body(text),
            None => NodeBuilder::new("delete").build(),
        };
        let change = NodeBuilder::new("description")
            .attr("id", id)
            .children([content])
            .build();
        self.group_changed(group, actor, change);
        Ok(())
    }

    /// A member sets the lifetime of messages, in seconds. Zero is for ever.
    pub(crate) fn set_group_ephemeral(
        &mut self,
        jid: &Jid,
        actor: &str,
        seconds: u32,
    ) -> Result<(), Denied> {
        let mut group = self.group_as_editor(jid, actor)?.clone();
        if seconds > GROUP_EPHEMERAL_EXPIRATION_MAX {
            return Err(NOT_ACCEPTABLE);
        }
        group.ephemeral = seconds;
        let change = if seconds == 0 {
            NodeBuilder::new("not_ephemeral").build()
        } else {
            NodeBuilder::new("ephemeral")
                .attr("expiration", seconds.to_string())
                .build()
        };
        self.group_changed(group, actor, change);
        Ok(())
    }

    /// An admin changes a setting. Nobody is told of a value that was set before.
    pub(crate) fn set_group_setting(
        &mut self,
        jid: &Jid,
        actor: &str,
        setting: Setting,
    ) -> Result<(), Denied> {
        let mut group = self.group_as_admin(jid, actor)?.clone();
        if apply(&mut group, setting) {
            self.group_changed(group, actor, change(setting));
        }
        Ok(())
    }
}

fn stamped(text: &str, by: &str) -> Stamped {
    Stamped {
        text: text.to_owned(),
        by: by.to_owned(),
        at: now_secs(),
    }
}

/// Returns whether anything changed.
fn apply(group: &mut Group, setting: Setting) -> bool {
    let (place, value) = match setting {
        Setting::Announcement(on) => (&mut group.announcement, on),
        Setting::Locked(on) => (&mut group.locked, on),
        Setting::Approval(on) => (&mut group.approval, on),
        Setting::AdminsAdd(on) => (&mut group.admins_add, on),
        Setting::AdminsLink(on) => (&mut group.admins_link, on),
    };
    std::mem::replace(place, value) != value
}

fn change(setting: Setting) -> Node {
    let tag = match setting {
        Setting::Announcement(true) => "announcement",
        Setting::Announcement(false) => "not_announcement",
        Setting::Locked(true) => "locked",
        Setting::Locked(false) => "unlocked",
        Setting::Approval(on) => return approval(on),
        Setting::AdminsAdd(on) => return add_mode(on),
        Setting::AdminsLink(on) => return link_mode(on),
    };
    NodeBuilder::new(tag).build()
}
