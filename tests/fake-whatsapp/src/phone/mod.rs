//! Simulated phones: device 0 of every account, with real Signal state.

pub(crate) mod app_state;
pub(crate) mod chat;
mod chats;
pub(crate) mod cipher;
pub(crate) mod content;
pub(crate) mod draft;
pub(crate) mod envelope;
pub(crate) mod files;
pub(crate) mod group_inbound;
pub(crate) mod group_outbound;
pub(crate) mod held;
pub(crate) mod history;
pub(crate) mod inbound;
pub(crate) mod keyshare;
pub(crate) mod kinds;
pub(crate) mod media;
pub(crate) mod old;
pub(crate) mod outbound;
pub(crate) mod persist;
pub(crate) mod sender_keys;
pub(crate) mod status;
pub(crate) mod stores;
pub(crate) mod votes;

use rand::RngExt as _;
use serde::{Deserialize, Serialize};
use wacore_libsignal::protocol::{
    GenericSignedPreKey as _, IdentityKey, IdentityKeyPair, SignedPreKeyRecord, Timestamp,
};

use crate::error::Error;
use crate::keys::{Key32, SignedPreKey, StoredPair};
use sender_keys::SenderKeys;
use stores::{Identities, OneTimeKeys, Sessions, SignedKey};

const SIGNED_PREKEY_ID: u32 = 1;
/// Signal registration ids have 14 bits.
const REGISTRATION_IDS: std::ops::Range<u32> = 1..16380;

/// The keys of a phone that never change.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct PhoneKeys {
    pub(crate) identity: StoredPair,
    pub(crate) registration_id: u32,
    signed_prekey: StoredPair,
    #[serde(with = "crate::keys::b64")]
    signed_prekey_signature: Vec<u8>,
}

impl PhoneKeys {
    /// Draws the keys of a new phone.
    pub(crate) fn generate() -> Result<Self, Error> {
        let identity = StoredPair::generate();
        let signed_prekey = StoredPair::generate();
        let signature = identity.sign(&signed_prekey.public_key()?.serialize())?;
        Ok(Self {
            registration_id: rand::rng().random_range(REGISTRATION_IDS),
            identity,
            signed_prekey,
            signed_prekey_signature: signature,
        })
    }
}

/// A simulated phone.
pub(crate) struct Phone {
    pub(crate) keys: PhoneKeys,
    pub(crate) sessions: Sessions,
    pub(crate) identities: Identities,
    pub(crate) one_time: OneTimeKeys,
    pub(crate) signed: SignedKey,
    pub(crate) sender_keys: SenderKeys,
}

/// What the server hands out so that a client can write to this phone.
pub(crate) struct PhoneBundle {
    pub(crate) registration_id: u32,
    pub(crate) identity: Key32,
    pub(crate) signed_prekey: SignedPreKey,
    pub(crate) one_time: (u32, Key32),
}

impl Phone {
    /// Builds the phone around its keys.
    pub(crate) fn new(keys: PhoneKeys) -> Result<Self, Error> {
        let pair = keys.identity.pair()?;
        let own = IdentityKeyPair::new(IdentityKey::new(pair.public_key), pair.private_key);
        let record = SignedPreKeyRecord::new(
            SIGNED_PREKEY_ID.into(),
            Timestamp::from_epoch_millis(crate::time::now_ms()),
            &keys.signed_prekey.pair()?,
            &keys.signed_prekey_signature,
        );
        Ok(Self {
            identities: Identities {
                own,
                registration_id: keys.registration_id,
                peers: Default::default(),
                changed: Default::default(),
            },
            signed: SignedKey {
                record,
                id: SIGNED_PREKEY_ID,
            },
            sessions: Sessions::default(),
            sender_keys: SenderKeys::default(),
            one_time: OneTimeKeys::default(),
            keys,
        })
    }

    /// A bundle with a one-time prekey that nobody else gets.
    pub(crate) fn take_bundle(&mut self) -> PhoneBundle {
        let used = self
            .one_time
            .consumed
            .keys()
            .next_back()
            .copied()
            .unwrap_or(0);
        let waiting = self
            .one_time
            .waiting
            .keys()
            .next_back()
            .copied()
            .unwrap_or(0);
        let id = used.max(waiting) + 1;
        let pair = StoredPair::generate();
        let public = pair.public;
        self.one_time.waiting.insert(id, pair);
        self.one_time.added.insert(id);
        PhoneBundle {
            registration_id: self.keys.registration_id,
            identity: self.keys.identity.public,
            signed_prekey: SignedPreKey {
                id: SIGNED_PREKEY_ID,
                public: self.keys.signed_prekey.public,
                signature: self.keys.signed_prekey_signature.clone(),
            },
            one_time: (id, public),
        }
    }
}
