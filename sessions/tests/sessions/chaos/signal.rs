//! One device's Signal state: the library's cache and adapters over a backend.

use std::sync::Arc;

use async_lock::RwLock;
use bytes::Bytes;
use rand::SeedableRng;
use rand::rngs::StdRng;
use wacore::libsignal::protocol::{
    CiphertextMessage, IdentityKey, KeyPair, PreKeyBundle, PreKeySignalMessage, ProtocolAddress,
    PublicKey, SenderKeyMessage, SenderKeyStore, SessionStore, SignalMessage, SignalProtocolError,
    UsePQRatchet, create_sender_key_distribution_message, group_decrypt, group_encrypt,
    message_decrypt, message_encrypt, process_prekey_bundle,
    process_sender_key_distribution_message,
};
use wacore::libsignal::protocol::{SenderKeyDistributionMessage, SenderKeyName};
use wacore::libsignal::store::record_helpers::encode_pre_key_record_to;
use wacore::store::traits::Backend;
use whatsapp_rust::store::Device;
use whatsapp_rust::store::signal_adapter::SignalProtocolStoreAdapter;
use whatsapp_rust::store::signal_cache::SignalStoreCache;

/// A ciphertext on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Dm {
    pub(crate) first: bool,
    pub(crate) bytes: Vec<u8>,
}

impl Dm {
    fn of(message: &CiphertextMessage) -> Self {
        Self {
            first: matches!(message, CiphertextMessage::PreKeySignalMessage(_)),
            bytes: message.serialize().to_vec(),
        }
    }

    pub(crate) fn parse(&self) -> CiphertextMessage {
        let bytes = self.bytes.as_slice();
        if self.first {
            CiphertextMessage::PreKeySignalMessage(PreKeySignalMessage::try_from(bytes).unwrap())
        } else {
            CiphertextMessage::SignalMessage(SignalMessage::try_from(bytes).unwrap())
        }
    }

    /// What makes the message key: the chain, and the place in it.
    pub(crate) fn key(&self) -> (Vec<u8>, u32) {
        let message = self.parse();
        let signal = match &message {
            CiphertextMessage::PreKeySignalMessage(first) => first.message(),
            CiphertextMessage::SignalMessage(message) => message,
            _ => unreachable!(),
        };
        (
            signal.sender_ratchet_key().serialize().to_vec(),
            signal.counter(),
        )
    }
}

#[derive(Clone)]
pub(crate) struct Signal {
    pub(crate) device: Arc<RwLock<Device>>,
    pub(crate) cache: Arc<SignalStoreCache>,
    pub(crate) backend: Arc<dyn Backend>,
}

pub(crate) fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

impl Signal {
    pub(crate) fn new(core: wacore::store::Device, backend: Arc<dyn Backend>) -> Self {
        let mut device = Device::new(backend.clone());
        device.load_from_serializable(core);
        Self {
            device: Arc::new(RwLock::new(device)),
            cache: Arc::new(SignalStoreCache::new()),
            backend,
        }
    }

    pub(crate) fn stores(&self) -> SignalProtocolStoreAdapter {
        SignalProtocolStoreAdapter::new(self.device.clone(), self.cache.clone())
    }

    pub(crate) async fn flush(&self) -> anyhow::Result<()> {
        self.cache.flush(&*self.backend).await
    }

    pub(crate) async fn bundle(&self, one_time: Option<(u32, PublicKey)>) -> PreKeyBundle {
        let device = self.device.read().await;
        PreKeyBundle::new(
            device.core.registration_id,
            1.into(),
            one_time.map(|(id, key)| (id.into(), key)),
            device.core.signed_pre_key_id.into(),
            device.core.signed_pre_key.public_key,
            device.core.signed_pre_key_signature.to_vec(),
            IdentityKey::new(device.core.identity_key.public_key),
        )
        .unwrap()
    }

    pub(crate) async fn has_session(
        &self,
        to: &ProtocolAddress,
    ) -> Result<bool, SignalProtocolError> {
        self.stores().session_store.has_session(to).await
    }

    pub(crate) async fn start(
        &self,
        to: &ProtocolAddress,
        bundle: &PreKeyBundle,
        seed: u64,
    ) -> Result<(), SignalProtocolError> {
        let mut s = self.stores();
        process_prekey_bundle(
            to,
            &mut s.session_store,
            &mut s.identity_store,
            bundle,
            &mut rng(seed),
            UsePQRatchet::No,
        )
        .await
        .map(drop)
    }

    pub(crate) async fn encrypt(
        &self,
        to: &ProtocolAddress,
        text: &[u8],
    ) -> Result<Dm, SignalProtocolError> {
        let mut s = self.stores();
        let message =
            message_encrypt(text, to, &mut s.session_store, &mut s.identity_store).await?;
        Ok(Dm::of(&message))
    }

    /// Decrypts, and lets the next flush delete a prekey that was used up.
    pub(crate) async fn decrypt(
        &self,
        from: &ProtocolAddress,
        dm: &Dm,
        seed: u64,
    ) -> Result<Vec<u8>, SignalProtocolError> {
        let mut s = self.stores();
        let result = message_decrypt(
            &dm.parse(),
            from,
            &mut s.session_store,
            &mut s.identity_store,
            &mut s.pre_key_store,
            &s.signed_pre_key_store,
            &mut rng(seed),
            UsePQRatchet::No,
        )
        .await?;
        if let Some(id) = result.consumed_prekey_id {
            s.pre_key_store.buffer_consumed_prekey(id, from).await;
        }
        Ok(result.plaintext)
    }

    /// The group's sender key for others, made if there is none.
    pub(crate) async fn distribution(
        &self,
        group: &SenderKeyName,
        seed: u64,
    ) -> Result<SenderKeyDistributionMessage, SignalProtocolError> {
        let mut s = self.stores();
        create_sender_key_distribution_message(group, &mut s.sender_key_store, &mut rng(seed)).await
    }

    pub(crate) async fn learn(
        &self,
        group: &SenderKeyName,
        distribution: &SenderKeyDistributionMessage,
    ) -> Result<(), SignalProtocolError> {
        let mut s = self.stores();
        process_sender_key_distribution_message(group, distribution, &mut s.sender_key_store).await
    }

    pub(crate) async fn has_sender_key(
        &self,
        group: &SenderKeyName,
    ) -> Result<bool, SignalProtocolError> {
        let s = self.stores();
        Ok(s.sender_key_store.load_sender_key(group).await?.is_some())
    }

    pub(crate) async fn group_encrypt(
        &self,
        group: &SenderKeyName,
        text: &[u8],
        seed: u64,
    ) -> Result<SenderKeyMessage, SignalProtocolError> {
        let mut s = self.stores();
        group_encrypt(&mut s.sender_key_store, group, text, &mut rng(seed)).await
    }

    pub(crate) async fn group_decrypt(
        &self,
        group: &SenderKeyName,
        bytes: &[u8],
    ) -> Result<Vec<u8>, SignalProtocolError> {
        let mut s = self.stores();
        group_decrypt(bytes, &mut s.sender_key_store, group).await
    }
}

/// A one-time prekey, as it is stored, and its public half.
pub(crate) fn prekey(id: u32, seed: u64) -> (Bytes, PublicKey) {
    let pair = KeyPair::generate(&mut rng(seed ^ 0x0FEE));
    let mut record = Vec::new();
    encode_pre_key_record_to(id, &pair, &mut record);
    (record.into(), pair.public_key)
}
