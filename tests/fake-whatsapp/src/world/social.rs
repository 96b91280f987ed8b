//! What an account shows to others, and to whom: one stored row per account.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::store::Bucket;
use crate::time::now_secs;
use crate::world::World;
use crate::world::privacy::Privacy;

/// How long messages of new chats live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Disappearing {
    /// Seconds; zero keeps messages.
    pub(crate) seconds: u32,
    /// When it was set, in seconds since 1970.
    pub(crate) at: u64,
}

/// What a business tells about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Business {
    /// The verified name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Where it is.
    pub address: Option<String>,
    /// Electronic mail.
    pub email: Option<String>,
    /// Web pages.
    pub website: Vec<String>,
    /// What kind of business it is.
    pub category: Option<String>,
}

/// Everything about an account that is not messages and keys.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Social {
    pub(crate) privacy: Privacy,
    /// Phone numbers that may not reach the account, and since when.
    pub(crate) blocked: BTreeMap<String, u64>,
    pub(crate) disappearing: Disappearing,
    pub(crate) business: Option<Business>,
    /// When the account's last device went offline, in seconds since 1970.
    pub(crate) last_seen: Option<u64>,
    /// The phone's address book: phone numbers.
    pub(crate) saved: BTreeSet<String>,
    /// Chats of this account are addressed by LID.
    pub(crate) lid_migrated: bool,
    /// What each companion has to fetch anew: since when, by type.
    pub(crate) dirty: BTreeMap<u16, BTreeMap<String, u64>>,
}

impl World {
    /// Changes an account's social row, and writes it.
    pub(crate) fn change_social<R>(
        &mut self,
        phone: &str,
        change: impl FnOnce(&mut Social) -> R,
    ) -> Result<R, Error> {
        let social = &mut self.account_mut(phone)?.social;
        let result = change(social);
        let row = social.clone();
        self.store.put(Bucket::Social, phone.to_owned(), &row);
        Ok(result)
    }

    /// Puts a number in a phone's address book, or takes it out.
    pub(crate) fn save_contact(
        &mut self,
        phone: &str,
        contact: &str,
        on: bool,
    ) -> Result<(), Error> {
        self.change_social(phone, |social| {
            if on {
                social.saved.insert(contact.to_owned());
            } else {
                social.saved.remove(contact);
            }
        })
    }

    /// Whether one of two accounts blocked the other.
    pub(crate) fn blocked_between(&self, a: &str, b: &str) -> bool {
        self.has_blocked(a, b) || self.has_blocked(b, a)
    }

    /// Whether `owner` blocked `other`.
    pub(crate) fn has_blocked(&self, owner: &str, other: &str) -> bool {
        self.accounts
            .get(owner)
            .is_some_and(|account| account.social.blocked.contains_key(other))
    }

    /// Whether an account's chats are addressed by LID.
    pub(crate) fn lid_migrated(&self, phone: &str) -> bool {
        self.accounts
            .get(phone)
            .is_some_and(|account| account.social.lid_migrated)
    }

    /// Marks something that a companion has to fetch anew. It is told at its next login
    /// (`whatsapp-rust/src/handlers/ib.rs`).
    pub(crate) fn mark_dirty(&mut self, phone: &str, device: u16, what: &str) -> Result<(), Error> {
        self.change_social(phone, |social| {
            social
                .dirty
                .entry(device)
                .or_default()
                .insert(what.to_owned(), now_secs());
        })
    }
}
