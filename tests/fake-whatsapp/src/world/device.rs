//! A linked companion device, as the server knows it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::addr::Addr;
use crate::keys::{Key32, SignedPreKey, b64};
use crate::phone::cipher::CompanionBundle;
use crate::world::checks::Logins;
use crate::world::queue::Queue;

/// The stored part of a device.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct DeviceRow {
    pub(crate) noise: Key32,
    pub(crate) identity: Key32,
    pub(crate) registration_id: u32,
    pub(crate) signed_prekey: SignedPreKey,
    /// `ADVSignedDeviceIdentity` with both signatures.
    #[serde(with = "b64")]
    pub(crate) adv_identity: Vec<u8>,
    pub(crate) key_index: u32,
    pub(crate) os: String,
    /// It wants the whole history of its phone.
    #[serde(default)]
    pub(crate) full_history: bool,
    pub(crate) logins: u64,
    pub(crate) paired_at: u64,
}

/// A one-time prekey that the device uploaded.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct UploadedKey {
    pub(crate) public: Key32,
    /// Handed out: never again.
    pub(crate) used: bool,
    /// The base key of the session that was started with it.
    #[serde(default)]
    pub(crate) base_key: Option<Key32>,
}

impl UploadedKey {
    /// A key that nobody has used.
    pub(crate) fn fresh(public: Key32) -> Self {
        Self {
            public,
            used: false,
            base_key: None,
        }
    }
}

/// A message id that was accepted from this device.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SentMessage {
    /// Fingerprint of the content, once a simulated phone could decrypt it.
    pub(crate) content: Option<Key32>,
}

/// One sending chain of this device towards one other device.
#[derive(Default)]
pub(crate) struct Chain {
    pub(crate) counters: HashMap<u32, ChainUse>,
    pub(crate) highest: u32,
    /// Login during which `highest` grew, and the highest counter before that login.
    pub(crate) login: u64,
    pub(crate) floor: Option<u32>,
}

/// One message key: which bytes and which stanza used it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChainUse {
    pub(crate) ciphertext: Key32,
    pub(crate) id: String,
    pub(crate) login: u64,
}

/// The sender keys of this device in one group, and the phones that it gave them to.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupChains {
    /// Phones by chain, the newest chain last.
    pub(crate) given: Vec<(u32, BTreeSet<String>)>,
    /// Phones that it gave any key to, with the time at which they had joined: it knows of these.
    pub(crate) known: BTreeMap<String, u64>,
}

/// A linked device.
pub(crate) struct Device {
    pub(crate) row: DeviceRow,
    pub(crate) prekeys: BTreeMap<u32, UploadedKey>,
    pub(crate) queue: Queue,
    pub(crate) sent: HashMap<String, SentMessage>,
    pub(crate) chains: HashMap<(Addr, Key32), Chain>,
    /// Stanzas that were sent to it, as `class/id`.
    pub(crate) delivered: HashSet<String>,
    pub(crate) latest_logins: Logins,
    /// The phone has sent its history, or will not.
    pub(crate) history_sent: bool,
    /// Its sender keys, by group.
    pub(crate) group_chains: HashMap<String, GroupChains>,
}

impl Device {
    /// A device without uploaded keys.
    pub(crate) fn new(row: DeviceRow) -> Self {
        Self {
            row,
            prekeys: BTreeMap::new(),
            queue: Queue::default(),
            sent: HashMap::new(),
            chains: HashMap::new(),
            delivered: HashSet::new(),
            latest_logins: Logins::default(),
            history_sent: false,
            group_chains: HashMap::new(),
        }
    }

    /// One-time prekeys that are left.
    pub(crate) fn prekeys_left(&self) -> impl Iterator<Item = (u32, &UploadedKey)> {
        self.prekeys
            .iter()
            .filter(|(_, key)| !key.used)
            .map(|(id, key)| (*id, key))
    }

    /// A bundle. Takes one one-time prekey out of the pool; returns its id with it.
    pub(crate) fn take_bundle(&mut self) -> CompanionBundle {
        let one_time = self
            .prekeys
            .iter_mut()
            .find(|(_, key)| !key.used)
            .map(|(id, key)| {
                key.used = true;
                (*id, key.public)
            });
        CompanionBundle {
            registration_id: self.row.registration_id,
            identity: self.row.identity,
            signed_prekey: self.row.signed_prekey.clone(),
            one_time,
        }
    }
}
