//! What the control port can order about people.

use serde::Deserialize;
use wacore_binary::builder::NodeBuilder;

use crate::addr::Addr;
use crate::error::Error;
use crate::world::World;
use crate::world::privacy::Refused;
use crate::world::social::Business;

/// What changes of an account's profile. Absent fields stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileChange {
    /// The name that others see.
    pub name: Option<String>,
    /// The about text.
    pub about: Option<String>,
    /// Makes the account a business.
    pub business: Option<Business>,
    /// Makes the account a private one again.
    pub no_business: bool,
    /// Seconds after which messages of new chats go; zero keeps them.
    pub disappearing: Option<u32>,
    /// Chats of this account are addressed by LID from now on.
    pub lid_migrated: Option<bool>,
    /// Privacy settings: category and value (`wacore/src/iq/privacy.rs`).
    pub privacy: Vec<(String, String)>,
}

impl World {
    /// A person changes the profile on the phone.
    pub(crate) fn change_profile(
        &mut self,
        phone: &str,
        change: ProfileChange,
    ) -> Result<(), Error> {
        let own = Addr::phone(phone);
        self.account(phone)?;
        if let Some(name) = &change.name {
            self.push_name_from(&own, name)?;
        }
        if let Some(about) = &change.about {
            self.set_about(&own, about)?;
        }
        if change.business.is_some() || change.no_business {
            self.set_business(phone, change.business)?;
        }
        if let Some(seconds) = change.disappearing {
            self.set_disappearing(&own, seconds)?;
        }
        if let Some(on) = change.lid_migrated {
            self.change_social(phone, |social| social.lid_migrated = on)?;
        }
        for (category, value) in &change.privacy {
            self.change_social(phone, |social| social.privacy.set(category, value))?
                .map_err(|refused| bad_setting(category, value, refused))?;
        }
        if !change.privacy.is_empty() {
            self.tell_own_devices(&own, &NodeBuilder::new("privacy").build());
        }
        self.announce_contact_update(phone)
    }
}

fn bad_setting(category: &str, value: &str, refused: Refused) -> Error {
    Error::BadRequest(format!("privacy {category}={value}: {refused:?}"))
}
