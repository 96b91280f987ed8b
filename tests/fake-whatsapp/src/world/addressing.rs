//! How stanzas of a chat of two name people: by number, or by LID.
//!
//! Attributes: `parse_message_info` in `wacore/src/messages.rs`.

use wacore_binary::Jid;
use wacore_binary::builder::NodeBuilder;

use crate::error::Error;
use crate::world::World;

/// The names of a simulated phone as the sender of a message.
pub(crate) struct SenderNames {
    pub(crate) from: Jid,
    /// The same person in the other namespace.
    alternative: Jid,
    pub(crate) by_lid: bool,
}

impl SenderNames {
    /// Adds the other name.
    pub(crate) fn mark(&self, stanza: NodeBuilder) -> NodeBuilder {
        if self.by_lid {
            stanza
                .attr("sender_pn", &self.alternative)
                .attr("addressing_mode", "lid")
        } else {
            stanza.attr("sender_lid", &self.alternative)
        }
    }
}

impl World {
    /// How a phone names itself: by LID once its account's chats are addressed so.
    pub(crate) fn sender_names(&self, phone: &str) -> Result<SenderNames, Error> {
        let account = self.account(phone)?;
        let by_lid = account.social.lid_migrated;
        let (number, lid) = (account.jid(0), account.lid(0));
        let (from, alternative) = if by_lid { (lid, number) } else { (number, lid) };
        Ok(SenderNames {
            from,
            alternative,
            by_lid,
        })
    }

    /// The name of an account in one of the namespaces.
    pub(crate) fn name_of(&self, phone: &str, by_lid: bool) -> Jid {
        match self.accounts.get(phone) {
            Some(account) if by_lid => account.lid(0),
            _ => Jid::pn(phone),
        }
    }

    /// Names the chat in a copy for an own device, in both namespaces.
    pub(crate) fn with_recipient(
        &self,
        stanza: NodeBuilder,
        by_lid: bool,
        chat: &str,
    ) -> NodeBuilder {
        match self.accounts.get(chat) {
            Some(account) if by_lid => stanza
                .attr("recipient", account.lid(0))
                .attr("peer_recipient_pn", account.jid(0)),
            Some(account) => stanza
                .attr("recipient", account.jid(0))
                .attr("peer_recipient_lid", account.lid(0)),
            None => stanza.attr("recipient", Jid::pn(chat)),
        }
    }
}
