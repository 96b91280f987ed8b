//! ADV: the account's signatures over its devices.
//!
//! Prefixes and field order: `wacore/src/pair.rs` and `wacore/src/adv.rs`.

use buffa::Message as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use wacore_libsignal::protocol::PublicKey;
use waproto::whatsapp::{
    ADVDeviceIdentity, ADVKeyIndexList, ADVSignedDeviceIdentity, ADVSignedDeviceIdentityHMAC,
    ADVSignedKeyIndexList,
};

use crate::error::Error;
use crate::keys::{Key32, StoredPair};
use crate::time::now_secs;

const ACCOUNT_SIGNATURE: &[u8] = &[6, 0];
const DEVICE_SIGNATURE: &[u8] = &[6, 1];
const KEY_INDEX_SIGNATURE: &[u8] = &[6, 2];

/// The account's statement about one new companion.
#[derive(Clone)]
pub(crate) struct Statement {
    details: Vec<u8>,
    account_signature: Vec<u8>,
    account_key: Key32,
}

impl Statement {
    /// Signs the companion's identity key.
    pub(crate) fn sign(
        account: &StoredPair,
        raw_id: u32,
        key_index: u32,
        companion: &Key32,
    ) -> Result<Self, Error> {
        let details = ADVDeviceIdentity {
            raw_id: Some(raw_id),
            timestamp: Some(now_secs()),
            key_index: Some(key_index),
            ..Default::default()
        }
        .encode_to_vec();
        let signed = [ACCOUNT_SIGNATURE, &details, &companion.0].concat();
        Ok(Self {
            account_signature: account.sign(&signed)?,
            account_key: account.public,
            details,
        })
    }

    /// The container that the companion checks with its ADV secret.
    pub(crate) fn seal(&self, adv_secret: &[u8]) -> Result<Vec<u8>, Error> {
        let details = ADVSignedDeviceIdentity {
            details: Some(self.details.clone()),
            account_signature_key: Some(self.account_key.0.to_vec()),
            account_signature: Some(self.account_signature.clone()),
            device_signature: None,
        }
        .encode_to_vec();
        let mut mac = Hmac::<Sha256>::new_from_slice(adv_secret)
            .map_err(|_| Error::BadRequest("unusable ADV secret".to_owned()))?;
        mac.update(&details);
        let hmac = mac.finalize().into_bytes().to_vec();
        let sealed = ADVSignedDeviceIdentityHMAC {
            details: Some(details),
            hmac: Some(hmac),
            ..Default::default()
        };
        Ok(sealed.encode_to_vec())
    }

    /// Checks what the companion signed in return. Gives the form for prekey bundles.
    pub(crate) fn accept(&self, returned: &[u8], companion: &Key32) -> Result<Vec<u8>, Error> {
        let returned =
            ADVSignedDeviceIdentity::decode_from_slice(returned).map_err(Error::proto)?;
        let signature = returned.device_signature.unwrap_or_default();
        let signed = [
            DEVICE_SIGNATURE,
            &self.details,
            &companion.0,
            &self.account_key.0,
        ]
        .concat();
        let key = PublicKey::from_djb_public_key_bytes(&companion.0).map_err(Error::curve)?;
        if !key.verify_signature(&signed, &signature) {
            return Err(Error::Pairing("the device signature is wrong".to_owned()));
        }
        let complete = ADVSignedDeviceIdentity {
            details: Some(self.details.clone()),
            account_signature_key: Some(self.account_key.0.to_vec()),
            account_signature: Some(self.account_signature.clone()),
            device_signature: Some(signature),
        };
        Ok(complete.encode_to_vec())
    }
}

/// The signed list of companions, for device lists.
pub(crate) fn key_index_list(
    account: &StoredPair,
    raw_id: u32,
    timestamp: u64,
    indexes: &[u32],
) -> Result<Vec<u8>, Error> {
    let details = ADVKeyIndexList {
        raw_id: Some(raw_id),
        timestamp: Some(timestamp),
        current_index: Some(indexes.iter().copied().max().unwrap_or(0)),
        valid_indexes: indexes.to_vec(),
        ..Default::default()
    }
    .encode_to_vec();
    let signed = [KEY_INDEX_SIGNATURE, &details].concat();
    let list = ADVSignedKeyIndexList {
        account_signature: Some(account.sign(&signed)?),
        account_signature_key: Some(account.public.0.to_vec()),
        details: Some(details),
    };
    Ok(list.encode_to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wacore::adv::{AdvValidation, validate_adv_with_identity_key};
    use wacore::pair::{DeviceState, PairUtils};
    use wacore_libsignal::protocol::KeyPair;

    #[test]
    fn a_client_accepts_the_statement_and_its_answer_is_accepted() {
        let account = StoredPair::generate();
        let companion = StoredPair::generate();
        let state = DeviceState {
            identity_key: companion.pair().expect("pair"),
            noise_key: KeyPair::generate(&mut rand::rng()),
            adv_secret_key: [7; 32],
        };
        let statement = Statement::sign(&account, 9, 1, &companion.public).expect("sign");
        let sealed = statement.seal(&[7; 32]).expect("seal");
        let (returned, key_index) =
            PairUtils::do_pair_crypto(&state, &sealed).expect("client accepts");
        assert_eq!(key_index, 1);
        let identity = statement
            .accept(&returned, &companion.public)
            .expect("server accepts");
        let verdict = validate_adv_with_identity_key(&identity, &companion.public.0, None);
        assert_eq!(verdict, AdvValidation::Valid);
        assert!(statement.accept(&returned, &account.public).is_err());
    }
}
