//! The `ClientPayload` inside the handshake: a pairing request or a login.
//!
//! The client builds it in `wacore/src/store/device.rs`, `get_client_payload`.

use buffa::Message as _;
use wacore_libsignal::protocol::PublicKey;
use waproto::whatsapp::{ClientPayload, DeviceProps};

use crate::error::Error;
use crate::keys::{Key32, SignedPreKey, djb};

/// Why a client connected.
pub(crate) enum Purpose {
    /// A new device that waits to be linked.
    Pair(Box<Registration>),
    /// A linked device.
    Login {
        /// The phone number of the account.
        phone: String,
        /// The device number of the companion.
        device: u16,
    },
}

/// The public keys of a new device.
#[derive(Clone)]
pub(crate) struct Registration {
    pub(crate) noise: Key32,
    pub(crate) identity: Key32,
    pub(crate) registration_id: u32,
    pub(crate) signed_prekey: SignedPreKey,
    /// The operating system string in the device properties.
    pub(crate) os: String,
    /// It wants the whole history.
    pub(crate) full_history: bool,
}

/// Decodes the payload. `client_static` is the Noise key of this connection.
pub(crate) fn parse(payload: &[u8], client_static: &[u8]) -> Result<Purpose, Error> {
    let payload = ClientPayload::decode_from_slice(payload).map_err(Error::proto)?;
    if let Some(data) = payload.device_pairing_data.as_option() {
        let signed_prekey = SignedPreKey {
            id: number(data.e_skey_id.as_deref())?,
            public: djb(data.e_skey_val.as_deref().unwrap_or_default())?,
            signature: data.e_skey_sig.clone().unwrap_or_default(),
        };
        let props = data.device_props.as_deref().unwrap_or_default();
        let props = DeviceProps::decode_from_slice(props).unwrap_or_default();
        let registration = Registration {
            noise: djb(client_static)?,
            identity: djb(data.e_ident.as_deref().unwrap_or_default())?,
            registration_id: number(data.e_regid.as_deref())?,
            full_history: props.require_full_sync.unwrap_or(false),
            os: props.os.unwrap_or_default(),
            signed_prekey,
        };
        verify_signed_prekey(&registration)?;
        return Ok(Purpose::Pair(Box::new(registration)));
    }
    let phone = payload
        .username
        .ok_or(Error::Wire("payload without username"))?
        .to_string();
    let device = u16::try_from(payload.device.unwrap_or(0))
        .map_err(|_| Error::Wire("device number out of range"))?;
    Ok(Purpose::Login { phone, device })
}

/// The signature covers the key with its type byte 5.
fn verify_signed_prekey(registration: &Registration) -> Result<(), Error> {
    let identity =
        PublicKey::from_djb_public_key_bytes(&registration.identity.0).map_err(Error::curve)?;
    let mut signed = vec![5];
    signed.extend_from_slice(&registration.signed_prekey.public.0);
    if identity.verify_signature(&signed, &registration.signed_prekey.signature) {
        Ok(())
    } else {
        Err(Error::Wire("signed prekey has a bad signature"))
    }
}

fn number(bytes: Option<&[u8]>) -> Result<u32, Error> {
    match bytes {
        Some(bytes) if (1..=4).contains(&bytes.len()) => Ok(bytes
            .iter()
            .fold(0, |sum, byte| (sum << 8) | u32::from(*byte))),
        _ => Err(Error::Wire("bad number in the registration")),
    }
}
