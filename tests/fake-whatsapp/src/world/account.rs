//! An account: a phone number, its simulated phone, and its companions.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use wacore_binary::Jid;

use crate::addr::Addr;
use crate::app_state::AppState;
use crate::app_state::keys::SyncKey;
use crate::error::Error;
use crate::keys::{Key32, b64};
use crate::phone::files::PhoneFile;
use crate::phone::held::InboxItem;
use crate::phone::old::OldMessage;
use crate::phone::{Phone, PhoneKeys};
use crate::world::device::Device;
use crate::world::profile::About;
use crate::world::social::Social;

/// The stored part of an account.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AccountRow {
    pub(crate) phone: String,
    /// The user part of the LID.
    pub(crate) lid: String,
    pub(crate) name: String,
    /// The phone answers each text with the same text.
    pub(crate) echo: bool,
    pub(crate) created: u64,
    /// Device numbers are never used again.
    pub(crate) next_device: u16,
    /// Identifies the set of companions (`ADVKeyIndexList.rawId`).
    pub(crate) adv_raw_id: u32,
    pub(crate) keys: PhoneKeys,
    #[serde(with = "b64")]
    pub(crate) sync_key_id: Vec<u8>,
    pub(crate) sync_key: Key32,
    /// App state keys after the first, oldest first.
    #[serde(default)]
    pub(crate) newer_sync_keys: Vec<SyncKey>,
}

/// A message that this phone sent, kept so that it can be encrypted again.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct PhoneSent {
    /// The account or the group that it went to.
    pub(crate) to: String,
    pub(crate) content: PhoneContent,
}

/// What a phone sends.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum PhoneContent {
    /// A message, encoded without padding.
    Message(#[serde(with = "b64")] Vec<u8>),
    /// A message for an own companion itself, encoded without padding.
    Peer(#[serde(with = "b64")] Vec<u8>),
    /// The app state keys, for an own companion.
    SyncKey,
}

/// An account.
pub(crate) struct Account {
    pub(crate) row: AccountRow,
    pub(crate) phone: Phone,
    pub(crate) devices: BTreeMap<u16, Device>,
    pub(crate) inbox: Vec<InboxItem>,
    /// What opens votes about a message, by chat and message id.
    pub(crate) secrets: HashMap<String, Key32>,
    pub(crate) outbox: HashMap<String, PhoneSent>,
    /// Ids of messages that any device of this account sent.
    pub(crate) known: HashSet<String>,
    /// Accounts that exchanged messages with this one.
    pub(crate) peers: HashSet<String>,
    /// Files of messages, by message id.
    pub(crate) files: HashMap<String, PhoneFile>,
    /// Messages from before the first companion, for history sync.
    pub(crate) old_messages: Vec<OldMessage>,
    /// The text about it, once somebody set one.
    pub(crate) about: Option<About>,
    /// Settings that all its devices share.
    pub(crate) app_state: AppState,
    /// What it shows to others.
    pub(crate) social: Social,
}

impl Account {
    /// An account without history.
    pub(crate) fn new(row: AccountRow) -> Result<Self, Error> {
        Ok(Self {
            phone: Phone::new(row.keys.clone())?,
            row,
            devices: BTreeMap::new(),
            inbox: Vec::new(),
            secrets: HashMap::new(),
            outbox: HashMap::new(),
            known: HashSet::new(),
            peers: HashSet::new(),
            files: HashMap::new(),
            old_messages: Vec::new(),
            about: None,
            app_state: AppState::default(),
            social: Social::default(),
        })
    }

    /// The JID of one of its devices.
    pub(crate) fn jid(&self, device: u16) -> Jid {
        Jid::pn_device(self.row.phone.as_str(), device)
    }

    /// The LID of one of its devices.
    pub(crate) fn lid(&self, device: u16) -> Jid {
        Jid::lid_device(self.row.lid.as_str(), device)
    }

    /// All its devices, the phone first.
    pub(crate) fn addrs(&self) -> Vec<Addr> {
        std::iter::once(0)
            .chain(self.devices.keys().copied())
            .map(|device| Addr::new(self.row.phone.as_str(), device))
            .collect()
    }
}
