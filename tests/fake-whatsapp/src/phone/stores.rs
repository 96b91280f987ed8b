//! The Signal stores of a simulated phone, in memory, with a list of what changed.
//!
//! Every method answers at once, so the libsignal futures never wait.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use async_trait::async_trait;
use wacore_libsignal::protocol::{
    Direction, IdentityChange, IdentityKey, IdentityKeyPair, IdentityKeyStore, PreKeyId,
    PreKeyRecord, PreKeyStore, ProtocolAddress, SessionRecord, SessionStore, SignalProtocolError,
    SignedPreKeyId, SignedPreKeyRecord, SignedPreKeyStore,
};

use crate::keys::{Key32, StoredPair};

type Signal<T> = Result<T, SignalProtocolError>;

/// Sessions by peer device.
#[derive(Default)]
pub(crate) struct Sessions {
    pub(crate) records: HashMap<String, SessionRecord>,
    pub(crate) changed: HashSet<String>,
}

#[async_trait]
impl SessionStore for Sessions {
    async fn load_session(&self, address: &ProtocolAddress) -> Signal<Option<SessionRecord>> {
        Ok(self.records.get(address.as_str()).cloned())
    }

    async fn has_session(&self, address: &ProtocolAddress) -> Signal<bool> {
        Ok(self.records.contains_key(address.as_str()))
    }

    async fn store_session(
        &mut self,
        address: &ProtocolAddress,
        record: SessionRecord,
    ) -> Signal<()> {
        self.changed.insert(address.as_str().to_owned());
        self.records.insert(address.as_str().to_owned(), record);
        Ok(())
    }
}

/// The phone's own identity, and the identities it has met.
pub(crate) struct Identities {
    pub(crate) own: IdentityKeyPair,
    pub(crate) registration_id: u32,
    pub(crate) peers: HashMap<String, IdentityKey>,
    pub(crate) changed: HashSet<String>,
}

#[async_trait]
impl IdentityKeyStore for Identities {
    async fn get_identity_key_pair(&self) -> Signal<IdentityKeyPair> {
        Ok(self.own.clone())
    }

    async fn get_local_registration_id(&self) -> Signal<u32> {
        Ok(self.registration_id)
    }

    async fn save_identity(
        &mut self,
        address: &ProtocolAddress,
        identity: &IdentityKey,
    ) -> Signal<IdentityChange> {
        match self.peers.insert(address.as_str().to_owned(), *identity) {
            Some(old) if old == *identity => Ok(IdentityChange::NewOrUnchanged),
            old => {
                self.changed.insert(address.as_str().to_owned());
                Ok(if old.is_some() {
                    IdentityChange::ReplacedExisting
                } else {
                    IdentityChange::NewOrUnchanged
                })
            }
        }
    }

    // A phone shows a notice when an identity changes, and goes on.
    async fn is_trusted_identity(
        &self,
        _address: &ProtocolAddress,
        _identity: &IdentityKey,
        _direction: Direction,
    ) -> Signal<bool> {
        Ok(true)
    }

    async fn get_identity(&self, address: &ProtocolAddress) -> Signal<Option<IdentityKey>> {
        Ok(self.peers.get(address.as_str()).copied())
    }
}

/// One-time prekeys that were handed out and not used yet.
#[derive(Default)]
pub(crate) struct OneTimeKeys {
    pub(crate) waiting: BTreeMap<u32, StoredPair>,
    /// Used keys, with the base key of the message that used them.
    pub(crate) consumed: BTreeMap<u32, Key32>,
    pub(crate) added: BTreeSet<u32>,
}

#[async_trait]
impl PreKeyStore for OneTimeKeys {
    async fn get_pre_key(&self, id: PreKeyId) -> Signal<PreKeyRecord> {
        let pair = self
            .waiting
            .get(&u32::from(id))
            .and_then(|pair| pair.pair().ok())
            .ok_or(SignalProtocolError::InvalidPreKeyId)?;
        Ok(PreKeyRecord::new(id, &pair))
    }

    async fn save_pre_key(&mut self, _id: PreKeyId, _record: &PreKeyRecord) -> Signal<()> {
        Ok(())
    }

    async fn remove_pre_key(&mut self, id: PreKeyId) -> Signal<()> {
        self.waiting.remove(&u32::from(id));
        Ok(())
    }
}

/// The phone's one signed prekey.
pub(crate) struct SignedKey {
    pub(crate) record: SignedPreKeyRecord,
    pub(crate) id: u32,
}

#[async_trait]
impl SignedPreKeyStore for SignedKey {
    async fn get_signed_pre_key(&self, id: SignedPreKeyId) -> Signal<SignedPreKeyRecord> {
        if u32::from(id) == self.id {
            Ok(self.record.clone())
        } else {
            Err(SignalProtocolError::InvalidSignedPreKeyId)
        }
    }

    async fn save_signed_pre_key(
        &mut self,
        _id: SignedPreKeyId,
        _record: &SignedPreKeyRecord,
    ) -> Signal<()> {
        Ok(())
    }
}
