//! Pictures of accounts and groups, and the text about an account.
//!
//! Shapes: `wacore/src/iq/contacts.rs` and `wacore/src/iq/profile.rs`. The client's example
//! of a missing picture is a result with an error inside; its caller expects an error instead
//! (`whatsapp-rust/src/features/contacts.rs`), and takes either.

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, JidExt as _, NodeRef};

use crate::addr::Addr;
use crate::error::Error;
use crate::groups::Group;
use crate::groups::access::Denied;
use crate::iq::Answer;
use crate::nodes::{attr, child_bytes, jid_attr};
use crate::world::World;
use crate::world::privacy::PROFILE;

/// Longest text about an account, in characters.
const MAX_ABOUT: usize = 139;
const NOT_FOUND: Answer = Answer::Error(404, "item-not-found");
const FORBIDDEN: Answer = Answer::Error(403, "forbidden");
const NOT_ACCEPTABLE: Answer = Answer::Error(406, "not-acceptable");

fn refusal(denied: Denied) -> Answer {
    Answer::Error(denied.code, denied.text)
}

impl World {
    /// Answers `w:profile:picture`.
    pub(crate) fn iq_picture(&mut self, addr: &Addr, set: bool, node: &NodeRef<'_>) -> Answer {
        let subject = match self.picture_subject(addr, node) {
            Ok(subject) => subject,
            Err(refusal) => return refusal,
        };
        if set {
            let image = child_bytes(node, "picture").filter(|image| !image.is_empty());
            return self.set_picture_of(addr, &subject, image);
        }
        let Some(asked) = node.get_optional_child("picture") else {
            return Answer::Error(400, "bad-request");
        };
        if !self.may_see_picture(addr, &subject, asked) {
            return Answer::Error(401, "not-authorized");
        }
        let Some(picture) = self.pictures.get(&subject.to_string()) else {
            return NOT_FOUND;
        };
        if attr(asked, "id").is_some_and(|known| known == picture.id) {
            return Answer::one(NodeBuilder::new("picture").build());
        }
        let file = self.picture_file(picture);
        let kind = attr(asked, "type").unwrap_or_else(|| "image".to_owned());
        let reply = NodeBuilder::new("picture")
            .attr("id", picture.id.as_str())
            .attr("type", kind)
            .attr("url", file.url)
            .attr("direct_path", file.direct_path);
        Answer::one(reply.build())
    }

    /// Pictures of groups are for all; an account may hide its own from others.
    fn may_see_picture(&self, by: &Addr, subject: &Jid, asked: &NodeRef<'_>) -> bool {
        let Some(owner) = self.resolve(subject) else {
            return true;
        };
        let has_token = child_bytes(asked, "tctoken")
            .is_some_and(|token| self.token_is_valid(&owner.phone, &by.phone, token));
        self.may_see(&owner.phone, &by.phone, PROFILE, has_token)
    }

    /// Whose picture it is about. Without a target, and with an empty one, it is the own.
    fn picture_subject(&self, addr: &Addr, node: &NodeRef<'_>) -> Result<Jid, Answer> {
        let named = |name| jid_attr(node, name).filter(|jid| !jid.user.is_empty());
        let jid = named("target").or_else(|| named("to"));
        let Some(jid) = jid else {
            return Ok(Jid::pn(addr.phone.as_str()));
        };
        if jid.is_group() {
            let group = self.group_as_member(&jid, &addr.phone);
            return group.map(Group::jid).map_err(refusal);
        }
        let known = self
            .resolve(&jid)
            .filter(|of| self.accounts.contains_key(&of.phone) && !self.absent.contains(&of.phone));
        known.map(|of| Jid::pn(of.phone)).ok_or(NOT_FOUND)
    }

    fn set_picture_of(&mut self, addr: &Addr, subject: &Jid, image: Option<&[u8]>) -> Answer {
        let changed = if *subject == Jid::pn(addr.phone.as_str()) {
            self.change_own_picture(addr, image)
        } else if subject.is_group() {
            if let Err(denied) = self.group_as_editor(subject, &addr.phone) {
                return refusal(denied);
            }
            self.change_group_picture(addr, subject, image)
        } else {
            return FORBIDDEN;
        };
        match changed {
            Ok(Some(id)) => Answer::one(NodeBuilder::new("picture").attr("id", id).build()),
            Ok(None) => Answer::empty(),
            Err(Error::BadRequest(_)) => NOT_ACCEPTABLE,
            Err(_) => Answer::Error(500, "internal-server-error"),
        }
    }

    /// Answers `status`: the text about the account, as its devices set it.
    pub(crate) fn iq_about(&mut self, addr: &Addr, node: &NodeRef<'_>) -> Answer {
        let Some(text) = child_bytes(node, "status") else {
            return Answer::Error(400, "bad-request");
        };
        match std::str::from_utf8(text) {
            Ok(text) if text.chars().count() <= MAX_ABOUT => match self.set_about(addr, text) {
                Ok(()) => Answer::empty(),
                Err(_) => NOT_FOUND,
            },
            _ => NOT_ACCEPTABLE,
        }
    }
}
