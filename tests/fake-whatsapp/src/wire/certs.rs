//! The certificate chain that the server sends inside the Noise handshake.
//!
//! Shape and rules: `wacore-noise/src/handshake.rs`, `verify_server_cert`. The intermediate
//! has issuer serial 0 and is signed by the root. The leaf names the intermediate's serial,
//! carries the server's static key and is signed by the intermediate. The root here is our
//! own, so a client that verifies the real root refuses this server.

use buffa::{Message as _, MessageField};
use wacore_libsignal::protocol::KeyPair;
use waproto::whatsapp::{CertChain, cert_chain::NoiseCertificate, cert_chain::noise_certificate};

use crate::error::Error;
use crate::keys::{Key32, djb};
use crate::time::now_secs;

const INTERMEDIATE_SERIAL: u32 = 1;
const LEAF_SERIAL: u32 = 2;
/// The client compares these dates with its clock before it resumes with Noise IK.
const VALID_BEFORE_NOW_SECS: u64 = 24 * 3600;
const VALID_AFTER_NOW_SECS: u64 = 365 * 24 * 3600;

/// What the server shows, and what a client needs to check it.
pub(crate) struct Certificates {
    /// The encoded chain.
    pub(crate) chain: Vec<u8>,
    /// The root's public key, which a client takes instead of WhatsApp's.
    pub(crate) root: Key32,
}

/// Builds the chain for a server whose static Noise key is `server_static`, under a new root.
pub(crate) fn certify(server_static: &[u8]) -> Result<Certificates, Error> {
    let mut rng = rand::rng();
    let root = KeyPair::generate(&mut rng);
    let intermediate = KeyPair::generate(&mut rng);
    let chain = CertChain {
        intermediate: MessageField::some(certificate(
            INTERMEDIATE_SERIAL,
            0,
            intermediate.public_key.public_key_bytes(),
            &root,
        )?),
        leaf: MessageField::some(certificate(
            LEAF_SERIAL,
            INTERMEDIATE_SERIAL,
            server_static,
            &intermediate,
        )?),
    };
    Ok(Certificates {
        chain: chain.encode_to_vec(),
        root: djb(root.public_key.public_key_bytes())?,
    })
}

fn certificate(
    serial: u32,
    issuer_serial: u32,
    key: &[u8],
    issuer: &KeyPair,
) -> Result<NoiseCertificate, Error> {
    let now = now_secs();
    let details = noise_certificate::Details {
        serial: Some(serial),
        issuer_serial: Some(issuer_serial),
        key: Some(key.to_vec()),
        not_before: Some(now.saturating_sub(VALID_BEFORE_NOW_SECS)),
        not_after: Some(now + VALID_AFTER_NOW_SECS),
    }
    .encode_to_vec();
    let signature = issuer
        .calculate_signature(&details, &mut rand::rng())
        .map_err(Error::curve)?;
    Ok(NoiseCertificate {
        details: Some(details),
        signature: Some(signature.to_vec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    use wacore_libsignal::protocol::PublicKey;
    use wacore_noise::{HandshakeUtils, WA_CERT_PUB_KEY};

    fn signed_by(certificate: &NoiseCertificate, issuer: &[u8]) -> bool {
        let issuer = PublicKey::from_djb_public_key_bytes(issuer).expect("key");
        issuer.verify_signature(
            certificate.details.as_deref().expect("details"),
            certificate.signature.as_deref().expect("signature"),
        )
    }

    #[test]
    fn chain_is_sound_but_the_root_is_not_the_real_one() {
        let server = KeyPair::generate(&mut rand::rng());
        let key = server.public_key.public_key_bytes();
        let Certificates { chain, root } = certify(key).expect("chain");
        let decoded = CertChain::decode_from_slice(&chain).expect("decode");
        let details = decoded.intermediate.details.as_deref().expect("details");
        let intermediate = noise_certificate::Details::decode_from_slice(details).expect("details");
        assert!(signed_by(
            &decoded.leaf,
            intermediate.key.as_deref().expect("key")
        ));
        assert!(signed_by(&decoded.intermediate, &root.0));
        assert!(!signed_by(&decoded.intermediate, &WA_CERT_PUB_KEY));
        // The tests of this crate link a client that skips signatures; the rest must be right.
        let server_key: &[u8; 32] = key.try_into().expect("32 bytes");
        let verified = HandshakeUtils::verify_server_cert(&chain, server_key);
        assert!(verified.is_err() || verified.is_ok_and(|chain| chain.leaf_key == *server_key));
    }
}
