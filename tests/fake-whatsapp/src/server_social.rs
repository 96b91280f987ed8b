//! Orders about people, as Rust methods of the server.

use crate::addr::Addr;
use crate::error::Error;
use crate::server::FakeWhatsApp;
use crate::world::api_social::ProfileChange;
use crate::world::calls::{Call, EndReason};
use crate::world::chatstate::Typing;
use crate::world::notices::Notice;

impl FakeWhatsApp {
    /// A simulated phone is taken up, or put away.
    pub async fn set_presence(&self, phone: &str, available: bool) -> Result<(), Error> {
        self.hub
            .with(|world| world.phone_available(phone, available))
    }

    /// A simulated phone wants to know when somebody is there. It learns it while it is
    /// available itself: see [`Self::notices`].
    pub async fn subscribe_presence(&self, phone: &str, to: &str) -> Result<(), Error> {
        self.hub.with(|world| world.phone_subscribes(phone, to))
    }

    /// A person types on a simulated phone. `to` is a number, or the JID of a group.
    pub async fn type_from_phone(&self, phone: &str, to: &str, state: Typing) -> Result<(), Error> {
        self.hub.with(|world| world.phone_types(phone, to, state))
    }

    /// A person posts a text as a status update, for these accounts to see. Their phones don't
    /// keep it. Returns its id.
    pub async fn post_status(
        &self,
        phone: &str,
        viewers: &[&str],
        text: &str,
    ) -> Result<String, Error> {
        self.hub
            .with(|world| world.phone_posts_status(phone, viewers, text))
    }

    /// What a simulated phone showed for a moment, oldest first.
    pub async fn notices(&self, phone: &str) -> Result<Vec<Notice>, Error> {
        self.hub.with(|world| world.notices_of(phone))
    }

    /// Puts a number in a phone's address book, or takes it out.
    pub async fn save_contact(&self, phone: &str, contact: &str, on: bool) -> Result<(), Error> {
        self.hub
            .with(|world| world.save_contact(phone, contact, on))
    }

    /// A person blocks somebody on the phone, or lets them in again.
    pub async fn block(&self, phone: &str, contact: &str, on: bool) -> Result<(), Error> {
        self.hub.with(|world| {
            world.account(contact)?;
            world.block(&Addr::phone(phone), contact, on)
        })
    }

    /// A simulated phone gives somebody a trusted-contact token.
    pub async fn trust(&self, phone: &str, to: &str) -> Result<(), Error> {
        self.hub.with(|world| world.phone_trusts(phone, to))
    }

    /// A person changes the profile on the phone.
    pub async fn change_profile(&self, phone: &str, change: ProfileChange) -> Result<(), Error> {
        self.hub.with(|world| world.change_profile(phone, change))
    }

    /// A person installs WhatsApp anew: new keys. Returns how many companions were unlinked.
    pub async fn reregister(&self, phone: &str) -> Result<usize, Error> {
        self.hub.with(|world| world.reregister(phone))
    }

    /// A person takes another number.
    pub async fn change_number(&self, phone: &str, to: &str) -> Result<(), Error> {
        self.hub.with(|world| world.change_number(phone, to))
    }

    /// The server asks an account's companions to fetch their contacts anew.
    pub async fn ask_contact_sync(&self, phone: &str) -> Result<(), Error> {
        self.hub.with(|world| world.ask_contact_sync(phone))
    }

    /// The server asks an account's companions to compare their keys with its own.
    pub async fn ask_for_digest(&self, phone: &str) -> Result<(), Error> {
        self.hub.with(|world| {
            world.account(phone)?;
            for companion in world.companions(phone) {
                world.ask_for_digest(&companion);
            }
            Ok(())
        })
    }

    /// At their next login an account's companions are told to fetch something anew.
    pub async fn mark_dirty(&self, phone: &str, what: &str) -> Result<(), Error> {
        self.hub.with(|world| {
            world.account(phone)?;
            for Addr { device, .. } in world.companions(phone) {
                world.mark_dirty(phone, device, what)?;
            }
            Ok(())
        })
    }

    /// A simulated phone calls somebody. Returns the id of the call.
    pub async fn call(&self, phone: &str, to: &str, video: bool) -> Result<String, Error> {
        self.hub.with(|world| world.phone_calls(phone, to, video))
    }

    /// All calls, oldest first.
    pub async fn calls(&self) -> Vec<Call> {
        self.hub.with(|world| world.call_list())
    }

    /// What became of a call.
    pub async fn call_state(&self, id: &str) -> Result<Call, Error> {
        self.hub.with(|world| world.call_of(id))
    }

    /// The caller hangs up.
    pub async fn end_call(&self, id: &str, reason: Option<EndReason>) -> Result<(), Error> {
        self.hub.with(|world| world.end_call(id, reason))
    }
}
