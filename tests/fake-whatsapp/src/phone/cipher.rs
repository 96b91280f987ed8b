//! Encrypt and decrypt with the sessions of a simulated phone.

use futures::FutureExt as _;
use wacore_libsignal::protocol::{
    CiphertextMessage, IdentityKey, PreKeyBundle, PreKeySignalMessage, ProtocolAddress, PublicKey,
    SignalMessage, SignalProtocolError, UsePQRatchet, has_session, message_decrypt,
    message_encrypt, process_prekey_bundle,
};

use super::Phone;
use crate::addr::Addr;
use crate::error::Error;
use crate::keys::{Key32, SignedPreKey};

/// A Signal message as it travels in `<enc>`.
pub(crate) enum Parsed {
    /// `type="msg"`.
    Message(SignalMessage),
    /// `type="pkmsg"`.
    PreKey(Box<PreKeySignalMessage>),
}

impl Parsed {
    /// Parses the bytes of an `<enc>` node.
    pub(crate) fn parse(enc_type: &str, bytes: &[u8]) -> Result<Self, Error> {
        match enc_type {
            "msg" => Ok(Self::Message(SignalMessage::try_from(bytes)?)),
            "pkmsg" => Ok(Self::PreKey(Box::new(PreKeySignalMessage::try_from(
                bytes,
            )?))),
            _ => Err(Error::Wire("not a pairwise message")),
        }
    }

    /// The message inside.
    pub(crate) fn signal(&self) -> &SignalMessage {
        match self {
            Self::Message(message) => message,
            Self::PreKey(message) => message.message(),
        }
    }
}

/// What came out of a decryption.
pub(crate) struct Decrypted {
    pub(crate) plaintext: Vec<u8>,
    /// A one-time prekey that this message used up.
    pub(crate) consumed: Option<u32>,
}

/// The public keys of a companion, for a first message to it.
pub(crate) struct CompanionBundle {
    pub(crate) registration_id: u32,
    pub(crate) identity: Key32,
    pub(crate) signed_prekey: SignedPreKey,
    pub(crate) one_time: Option<(u32, Key32)>,
}

/// Where a peer's session is kept. One name for its phone number and its LID.
pub(crate) fn protocol_address(addr: &Addr) -> ProtocolAddress {
    ProtocolAddress::new(&addr.phone, u32::from(addr.device).into())
}

impl Phone {
    /// Decrypts a message from `from`.
    pub(crate) fn decrypt(&mut self, from: &Addr, parsed: Parsed) -> Result<Decrypted, Error> {
        let base_key = match &parsed {
            Parsed::PreKey(message) => Some(raw(message.base_key())),
            Parsed::Message(_) => None,
        };
        let message = match parsed {
            Parsed::Message(message) => CiphertextMessage::SignalMessage(message),
            Parsed::PreKey(message) => CiphertextMessage::PreKeySignalMessage(*message),
        };
        let result = ready(message_decrypt(
            &message,
            &protocol_address(from),
            &mut self.sessions,
            &mut self.identities,
            &mut self.one_time,
            &self.signed,
            &mut rand::rng(),
            UsePQRatchet::No,
        ))?;
        let consumed = result.consumed_prekey_id.map(u32::from);
        if let (Some(id), Some(base_key)) = (consumed, base_key) {
            self.one_time.waiting.remove(&id);
            self.one_time.consumed.insert(id, base_key);
        }
        Ok(Decrypted {
            plaintext: result.plaintext,
            consumed,
        })
    }

    /// Whether the phone can write to `to` without a bundle.
    pub(crate) fn has_session(&self, to: &Addr) -> bool {
        has_session(&self.sessions, &protocol_address(to))
            .now_or_never()
            .is_some_and(|has| has.unwrap_or(false))
    }

    /// Starts a session from a bundle.
    pub(crate) fn start_session(&mut self, to: &Addr, keys: &CompanionBundle) -> Result<(), Error> {
        let one_time = match keys.one_time {
            Some((id, key)) => Some((id.into(), public(&key)?)),
            None => None,
        };
        let bundle = PreKeyBundle::new(
            keys.registration_id,
            u32::from(to.device).into(),
            one_time,
            keys.signed_prekey.id.into(),
            public(&keys.signed_prekey.public)?,
            keys.signed_prekey.signature.clone(),
            IdentityKey::new(public(&keys.identity)?),
        )?;
        ready(process_prekey_bundle(
            &protocol_address(to),
            &mut self.sessions,
            &mut self.identities,
            &bundle,
            &mut rand::rng(),
            UsePQRatchet::No,
        ))?;
        Ok(())
    }

    /// Encrypts for `to`. Returns the `<enc>` type and bytes.
    pub(crate) fn encrypt(
        &mut self,
        to: &Addr,
        plaintext: &[u8],
    ) -> Result<(&'static str, Vec<u8>), Error> {
        let address = protocol_address(to);
        let message = ready(message_encrypt(
            plaintext,
            &address,
            &mut self.sessions,
            &mut self.identities,
        ))?;
        let enc_type = match &message {
            CiphertextMessage::PreKeySignalMessage(_) => "pkmsg",
            _ => "msg",
        };
        Ok((enc_type, message.serialize().to_vec()))
    }
}

/// The raw bytes of a public key.
pub(crate) fn raw(key: &PublicKey) -> Key32 {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(key.public_key_bytes());
    Key32(bytes)
}

fn public(key: &Key32) -> Result<PublicKey, Error> {
    PublicKey::from_djb_public_key_bytes(&key.0).map_err(Error::curve)
}

/// The stores never wait, so neither does libsignal.
pub(super) fn ready<T>(
    future: impl Future<Output = Result<T, SignalProtocolError>>,
) -> Result<T, SignalProtocolError> {
    future.now_or_never().unwrap_or_else(|| {
        Err(SignalProtocolError::InvalidState(
            "signal",
            "a store had to wait".to_owned(),
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::PhoneKeys;

    fn phone() -> Phone {
        Phone::new(PhoneKeys::generate().expect("keys")).expect("phone")
    }

    #[test]
    fn two_phones_talk() {
        let (ana, bia) = (Addr::phone("1"), Addr::phone("2"));
        let (mut a, mut b) = (phone(), phone());
        let bundle = b.take_bundle();
        a.start_session(
            &bia,
            &CompanionBundle {
                registration_id: bundle.registration_id,
                identity: bundle.identity,
                signed_prekey: bundle.signed_prekey,
                one_time: Some(bundle.one_time),
            },
        )
        .expect("session");
        let (kind, bytes) = a.encrypt(&bia, b"one").expect("encrypt");
        assert_eq!(kind, "pkmsg");
        let got = b
            .decrypt(&ana, Parsed::parse(kind, &bytes).expect("parse"))
            .expect("decrypt");
        assert_eq!(
            (got.plaintext.as_slice(), got.consumed),
            (b"one".as_slice(), Some(1))
        );
        let (kind, bytes) = b.encrypt(&ana, b"two").expect("encrypt");
        assert_eq!(kind, "msg");
        let got = a
            .decrypt(&bia, Parsed::parse(kind, &bytes).expect("parse"))
            .expect("decrypt");
        assert_eq!(got.plaintext, b"two");
        assert_ne!(b.take_bundle().one_time.0, 1);
    }
}
