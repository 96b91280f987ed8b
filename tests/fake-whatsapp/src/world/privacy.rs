//! Privacy settings, and who may see what.
//!
//! Categories and their values: `wacore/src/iq/privacy.rs`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::world::World;

/// When the account was last seen.
pub(crate) const LAST: &str = "last";
/// Whether the account is online.
pub(crate) const ONLINE: &str = "online";
/// The picture.
pub(crate) const PROFILE: &str = "profile";
/// The about text.
pub(crate) const STATUS: &str = "status";
/// Whether reading is told.
pub(crate) const READ_RECEIPTS: &str = "readreceipts";
/// The values that need a list of people.
const CONTACTS_EXCEPT: &str = "contact_blacklist";

/// One setting: its name, the values it takes, and the value of a new account (the first).
struct Category {
    name: &'static str,
    values: &'static [&'static str],
}

const SEEN_BY: &[&str] = &["all", "contacts", CONTACTS_EXCEPT, "none"];

const CATEGORIES: &[Category] = &[
    category(READ_RECEIPTS, &["all", "none"]),
    category(PROFILE, SEEN_BY),
    category(STATUS, SEEN_BY),
    category(ONLINE, &["all", "match_last_seen"]),
    category(LAST, SEEN_BY),
    category("groupadd", SEEN_BY),
    category("calladd", &["all", "known", "contacts"]),
    category("messages", &["all", "contacts"]),
    category("defense", &["off", "on_standard"]),
];

const fn category(name: &'static str, values: &'static [&'static str]) -> Category {
    Category { name, values }
}

/// An account's privacy settings.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Privacy {
    /// Values that were set, by category.
    set: BTreeMap<String, String>,
    /// Phone numbers that "contacts except" leaves out, by category.
    except: BTreeMap<String, BTreeSet<String>>,
}

/// Why a setting was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refused {
    /// There is no such category, or it does not take this value.
    BadRequest,
    /// The list changed since the client read it.
    Conflict,
}

impl Privacy {
    /// All settings, in the order in which WhatsApp gives them.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, &str)> {
        CATEGORIES
            .iter()
            .map(|category| (category.name, self.value(category.name)))
    }

    /// One setting. Empty for an unknown category.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.set.get(name).map_or_else(
            || {
                CATEGORIES
                    .iter()
                    .find(|category| category.name == name)
                    .and_then(|category| category.values.first())
                    .copied()
                    .unwrap_or_default()
            },
            String::as_str,
        )
    }

    /// Sets one category.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), Refused> {
        let known = CATEGORIES
            .iter()
            .any(|category| category.name == name && category.values.contains(&value));
        if !known {
            return Err(Refused::BadRequest);
        }
        self.set.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// Changes the people that "contacts except" leaves out. `dhash` is the hash of the list
    /// that the client knows. Returns the new one.
    pub(crate) fn change_except(
        &mut self,
        name: &str,
        dhash: &str,
        changes: &[(bool, String)],
    ) -> Result<String, Refused> {
        let is_new = dhash == "none" && !self.except.contains_key(name);
        if !is_new && dhash != self.dhash(name) {
            return Err(Refused::Conflict);
        }
        self.set(name, CONTACTS_EXCEPT)?;
        let list = self.except.entry(name.to_owned()).or_default();
        for (add, phone) in changes {
            if *add {
                list.insert(phone.clone());
            } else {
                list.remove(phone);
            }
        }
        Ok(self.dhash(name))
    }

    /// Hash of the people that a category leaves out.
    pub(crate) fn dhash(&self, name: &str) -> String {
        list_hash(self.except.get(name).into_iter().flatten())
    }

    fn allows(&self, name: &str, viewer: &str, contact: bool) -> bool {
        match self.value(name) {
            "all" => true,
            "contacts" => contact,
            CONTACTS_EXCEPT => {
                contact
                    && !self
                        .except
                        .get(name)
                        .is_some_and(|list| list.contains(viewer))
            }
            _ => false,
        }
    }
}

/// A short hash of a list of people, as clients keep it to notice changes.
pub(crate) fn list_hash<'a>(people: impl Iterator<Item = &'a String>) -> String {
    let mut hash = Sha256::new();
    for person in people {
        hash.update(person.as_bytes());
        hash.update(b"\n");
    }
    let hash: [u8; 32] = hash.finalize().into();
    let short = hash
        .iter()
        .take(4)
        .fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
    short.to_string()
}

impl World {
    /// Whether `viewer` may see what `owner` guards by `category`. A trusted-contact token
    /// makes the viewer a contact.
    pub(crate) fn may_see(
        &self,
        owner: &str,
        viewer: &str,
        category: &str,
        has_token: bool,
    ) -> bool {
        if owner == viewer {
            return true;
        }
        let Some(account) = self.accounts.get(owner) else {
            return false;
        };
        let contact = has_token || account.social.saved.contains(viewer);
        !self.blocked_between(owner, viewer)
            && account.social.privacy.allows(category, viewer, contact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_by_category() {
        let mut privacy = Privacy::default();
        assert_eq!(privacy.value(LAST), "all");
        assert_eq!(privacy.value("defense"), "off");
        assert_eq!(privacy.set(LAST, "contacts"), Ok(()));
        assert_eq!(privacy.set(ONLINE, "contacts"), Err(Refused::BadRequest));
        assert_eq!(privacy.set("shoe_size", "all"), Err(Refused::BadRequest));
        assert!(privacy.allows(LAST, "5511", true));
        assert!(!privacy.allows(LAST, "5511", false));
    }

    #[test]
    fn the_list_of_exceptions_has_a_hash_that_must_match() {
        let mut privacy = Privacy::default();
        let add = [(true, "5511".to_owned())];
        let first = privacy.change_except(LAST, "none", &add).expect("new list");
        assert!(!privacy.allows(LAST, "5511", true));
        assert!(privacy.allows(LAST, "5522", true));
        assert_eq!(
            privacy.change_except(LAST, "none", &add),
            Err(Refused::Conflict)
        );
        let remove = [(false, "5511".to_owned())];
        let second = privacy.change_except(LAST, &first, &remove);
        assert_ne!(second.expect("matches"), first);
        assert!(privacy.allows(LAST, "5511", true));
    }
}
