//! Status updates: what a simulated phone shows to its contacts for a day. They all come from one
//! chat, `status@broadcast`, and are encrypted like messages to a group
//! (`wacore/src/messages.rs`, `parse_message_info`).

use std::collections::BTreeSet;

use buffa::Message as _;
use wacore_binary::{Jid, JidExt as _};

use super::content::{padded, text_message};
use super::envelope::Envelope;
use super::group_outbound::distribution;
use crate::addr::Addr;
use crate::error::Error;
use crate::world::World;
use crate::world::account::{PhoneContent, PhoneSent};

/// Whether a chat is the one of all status updates.
pub(crate) fn is_status(chat: &str) -> bool {
    chat.parse::<Jid>()
        .is_ok_and(|jid| jid.is_status_broadcast())
}

impl World {
    /// A person posts a text as a status update, for these accounts to see. Returns its id.
    pub(crate) fn phone_posts_status(
        &mut self,
        from: &str,
        viewers: &[&str],
        text: &str,
    ) -> Result<String, Error> {
        let message = text_message(text);
        let id = crate::nodes::message_id();
        let jid = Jid::status_broadcast();
        let chat = jid.to_string();
        let own = Addr::phone(from);
        let name = self.account(from)?.row.name.clone();
        let mut people: BTreeSet<&str> = viewers.iter().copied().collect();
        people.insert(from);
        let mut companions = Vec::new();
        for person in people {
            companions.extend(self.account(person)?.addrs());
        }
        companions.retain(|addr| addr.device != 0);

        let phone = &mut self.account_mut(from)?.phone;
        let key = distribution(&chat, phone.distribution(&chat, &own)?);
        let shared = phone.encrypt_for_group(&chat, &own, &padded(&message))?;
        let envelope = Envelope::of(&message);
        for device in companions {
            let key = self.gives_key(&chat, &own, &device, &envelope, &key)?;
            let shared = envelope.enc("skmsg", shared.clone(), None);
            let account = self.account(from)?;
            let stanza = envelope
                .stanza(&jid, &id, &name)
                .attr("participant", account.jid(0))
                .attr("participant_lid", account.lid(0))
                .children(envelope.children(key.into_iter().chain([shared])))
                .build();
            self.deliver_to(&device, "message", &id, &jid, &stanza);
        }
        self.save_phone(from);
        let sent = PhoneSent {
            to: chat,
            content: PhoneContent::Message(message.encode_to_vec()),
        };
        self.remember_outgoing(from, &id, sent);
        Ok(id)
    }

    /// Status updates are not sent again: who could not read one has missed it.
    pub(super) fn refuse_status_again(id: &str) -> Result<(), Error> {
        Err(Error::BadRequest(format!(
            "the status update {id} is not sent again"
        )))
    }
}
