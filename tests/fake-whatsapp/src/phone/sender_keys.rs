//! The sender keys of a simulated phone: its own, and those that others gave it.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use wacore_libsignal::protocol::{
    SenderKeyDistributionMessage, SenderKeyRecord, SenderKeyStore, SignalProtocolError,
    create_sender_key_distribution_message, group_decrypt, group_encrypt,
    process_sender_key_distribution_message,
};
use wacore_libsignal::store::sender_key_name::SenderKeyName;

use super::Phone;
use super::cipher::ready;
use crate::addr::Addr;
use crate::error::Error;

/// Sender keys by group and device.
#[derive(Default)]
pub(crate) struct SenderKeys {
    pub(crate) records: HashMap<String, SenderKeyRecord>,
    pub(crate) changed: HashSet<String>,
    /// Devices that have this phone's own key, by group.
    pub(crate) given: HashMap<String, HashSet<Addr>>,
}

#[async_trait]
impl SenderKeyStore for SenderKeys {
    async fn store_sender_key(
        &mut self,
        name: &SenderKeyName,
        record: SenderKeyRecord,
    ) -> Result<(), SignalProtocolError> {
        self.changed.insert(name.cache_key().to_owned());
        self.records.insert(name.cache_key().to_owned(), record);
        Ok(())
    }

    async fn load_sender_key(
        &self,
        name: &SenderKeyName,
    ) -> Result<Option<SenderKeyRecord>, SignalProtocolError> {
        Ok(self.records.get(name.cache_key()).cloned())
    }
}

/// Where the key of one device in one group is kept.
pub(crate) fn key_name(group: &str, device: &Addr) -> SenderKeyName {
    SenderKeyName::from_parts(group, &device.to_string())
}

impl Phone {
    /// The distribution message for this phone's own key. Draws the key when there is none.
    pub(crate) fn distribution(&mut self, group: &str, own: &Addr) -> Result<Vec<u8>, Error> {
        let message = ready(create_sender_key_distribution_message(
            &key_name(group, own),
            &mut self.sender_keys,
            &mut rand::rng(),
        ))?;
        Ok(message.into_serialized().into_vec())
    }

    /// Encrypts for a group with this phone's own key.
    pub(crate) fn encrypt_for_group(
        &mut self,
        group: &str,
        own: &Addr,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let message = ready(group_encrypt(
            &mut self.sender_keys,
            &key_name(group, own),
            plaintext,
            &mut rand::rng(),
        ))?;
        Ok(message.into_serialized().into_vec())
    }

    /// Takes the key that another device gave.
    pub(crate) fn learn_sender_key(
        &mut self,
        group: &str,
        from: &Addr,
        distribution: &[u8],
    ) -> Result<(), Error> {
        let message = SenderKeyDistributionMessage::try_from(distribution)?;
        Ok(ready(process_sender_key_distribution_message(
            &key_name(group, from),
            &message,
            &mut self.sender_keys,
        ))?)
    }

    /// Decrypts what another device sent to a group.
    pub(crate) fn decrypt_from_group(
        &mut self,
        group: &str,
        from: &Addr,
        bytes: &[u8],
    ) -> Result<Vec<u8>, Error> {
        Ok(ready(group_decrypt(
            bytes,
            &mut self.sender_keys,
            &key_name(group, from),
        ))?)
    }

    /// Throws this phone's own key away, so that the next message makes and gives a new one.
    /// Returns the devices that had it.
    pub(crate) fn forget_own_key(&mut self, group: &str, own: &Addr) -> HashSet<Addr> {
        let name = key_name(group, own).cache_key().to_owned();
        self.sender_keys.records.remove(&name);
        self.sender_keys.changed.insert(name);
        self.sender_keys.given.remove(group).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::PhoneKeys;

    const GROUP: &str = "120363000000000001@g.us";

    fn phone() -> Phone {
        Phone::new(PhoneKeys::generate().expect("keys")).expect("phone")
    }

    #[test]
    fn a_new_key_is_not_readable_with_the_old_one() {
        let own = Addr::phone("1");
        let (mut a, mut b) = (phone(), phone());
        let first = a.distribution(GROUP, &own).expect("first");
        b.learn_sender_key(GROUP, &own, &first).expect("learn");
        let one = a.encrypt_for_group(GROUP, &own, b"one").expect("encrypt");
        let got = b.decrypt_from_group(GROUP, &own, &one).expect("decrypt");
        assert_eq!(got, b"one");
        assert!(b.decrypt_from_group(GROUP, &own, &one).is_err(), "once");
        a.forget_own_key(GROUP, &own);
        let second = a.distribution(GROUP, &own).expect("second");
        let two = a.encrypt_for_group(GROUP, &own, b"two").expect("encrypt");
        assert!(b.decrypt_from_group(GROUP, &own, &two).is_err());
        b.learn_sender_key(GROUP, &own, &second).expect("learn");
        let got = b.decrypt_from_group(GROUP, &own, &two).expect("decrypt");
        assert_eq!(got, b"two");
    }
}
