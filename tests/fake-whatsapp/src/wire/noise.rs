//! The responder side of the three Noise patterns: XX, IK, and XXfallback.
//!
//! The order of the steps mirrors the initiator in `wacore-noise/src/handshake.rs`.

use buffa::{Message as _, MessageField};
use wacore_binary::consts::{NOISE_PATTERN_IK, NOISE_PATTERN_XX, NOISE_PATTERN_XXFALLBACK};
use wacore_libsignal::protocol::{KeyPair, PrivateKey, PublicKey};
use wacore_noise::{NoiseCipher, NoiseHandshake};
use waproto::whatsapp::{HandshakeMessage, handshake_message::ServerHello};

use crate::error::Error;
use crate::keys::Key32;
use crate::wire::certs::{self, Certificates};

/// The server's static key and its certificates.
pub(crate) struct ServerIdentity {
    key: KeyPair,
    certificates: Certificates,
}

impl ServerIdentity {
    /// Takes a stored private key, so that clients can resume after a restart.
    pub(crate) fn from_private(private: &[u8]) -> Result<Self, Error> {
        let private_key = PrivateKey::deserialize(private).map_err(Error::curve)?;
        let public_key: PublicKey = private_key.public_key().map_err(Error::curve)?;
        let certificates = certs::certify(public_key.public_key_bytes())?;
        Ok(Self {
            key: KeyPair::new(public_key, private_key),
            certificates,
        })
    }

    /// The key that the certificates are rooted in.
    pub(crate) fn root(&self) -> Key32 {
        self.certificates.root
    }
}

impl ServerIdentity {
    /// The same key with a certificate for another one.
    pub(crate) fn with_bad_certificate(&self) -> Result<Self, Error> {
        let other = KeyPair::generate(&mut rand::rng());
        Ok(Self {
            key: self.key.clone(),
            certificates: certs::certify(other.public_key.public_key_bytes())?,
        })
    }
}

/// A finished handshake.
pub(crate) struct Established {
    /// Which pattern was spoken.
    pub(crate) pattern: &'static str,
    /// The client's static Noise key.
    pub(crate) client_static: Vec<u8>,
    /// The encoded `ClientPayload`.
    pub(crate) payload: Vec<u8>,
    /// Decrypts what the client writes.
    pub(crate) read: NoiseCipher,
    /// Encrypts what the server writes.
    pub(crate) write: NoiseCipher,
}

/// What follows a client hello.
pub(crate) enum AfterHello {
    /// IK: the hello had everything.
    Done(Box<Established>),
    /// XX or XXfallback: the client finish is still to come.
    WaitFinish(Box<WaitFinish>),
}

/// A handshake that waits for the client finish.
pub(crate) struct WaitFinish {
    noise: NoiseHandshake,
    ephemeral: KeyPair,
    pattern: &'static str,
}

/// Answers a client hello. Returns the encoded server hello.
pub(crate) fn answer_hello(
    server: &ServerIdentity,
    prologue: &[u8],
    hello: &[u8],
) -> Result<(Vec<u8>, AfterHello), Error> {
    let message = HandshakeMessage::decode_from_slice(hello).map_err(Error::proto)?;
    let hello = message
        .client_hello
        .into_option()
        .ok_or(Error::Wire("no client hello"))?;
    let client_ephemeral = hello
        .ephemeral
        .filter(|key| key.len() == 32)
        .ok_or(Error::Wire("no ephemeral key"))?;
    match (hello.r#static, hello.payload) {
        (Some(client_static), Some(payload)) => {
            match answer_ik(
                server,
                prologue,
                &client_ephemeral,
                &client_static,
                &payload,
            ) {
                Ok((reply, done)) => Ok((reply, AfterHello::Done(Box::new(done)))),
                // The client resumed with a key of another server: XXfallback repairs it.
                Err(_) => answer_xx(
                    server,
                    prologue,
                    &client_ephemeral,
                    NOISE_PATTERN_XXFALLBACK,
                ),
            }
        }
        _ => answer_xx(server, prologue, &client_ephemeral, NOISE_PATTERN_XX),
    }
}

fn answer_xx(
    server: &ServerIdentity,
    prologue: &[u8],
    client_ephemeral: &[u8],
    pattern: &'static str,
) -> Result<(Vec<u8>, AfterHello), Error> {
    let mut noise = NoiseHandshake::new(pattern, prologue)?;
    noise.authenticate(client_ephemeral);
    let ephemeral = KeyPair::generate(&mut rand::rng());
    noise.authenticate(ephemeral.public_key.public_key_bytes());
    noise.mix_shared_secret(ephemeral.private_key.serialize(), client_ephemeral)?;
    let encrypted_static = noise.encrypt(server.key.public_key.public_key_bytes())?;
    noise.mix_shared_secret(server.key.private_key.serialize(), client_ephemeral)?;
    let chain = noise.encrypt(&server.certificates.chain)?;
    let reply = server_hello(&ephemeral, Some(encrypted_static), chain);
    let pattern = if pattern == NOISE_PATTERN_XX {
        "XX"
    } else {
        "XXfallback"
    };
    Ok((
        reply,
        AfterHello::WaitFinish(Box::new(WaitFinish {
            noise,
            ephemeral,
            pattern,
        })),
    ))
}

fn answer_ik(
    server: &ServerIdentity,
    prologue: &[u8],
    client_ephemeral: &[u8],
    client_static: &[u8],
    payload: &[u8],
) -> Result<(Vec<u8>, Established), Error> {
    let mut noise = NoiseHandshake::new(NOISE_PATTERN_IK, prologue)?;
    noise.authenticate(server.key.public_key.public_key_bytes());
    noise.authenticate(client_ephemeral);
    noise.mix_shared_secret(server.key.private_key.serialize(), client_ephemeral)?;
    let client_static = noise.decrypt(client_static)?;
    noise.mix_shared_secret(server.key.private_key.serialize(), &client_static)?;
    let payload = noise.decrypt(payload)?;
    let ephemeral = KeyPair::generate(&mut rand::rng());
    noise.authenticate(ephemeral.public_key.public_key_bytes());
    noise.mix_shared_secret(ephemeral.private_key.serialize(), client_ephemeral)?;
    noise.mix_shared_secret(ephemeral.private_key.serialize(), &client_static)?;
    let chain = noise.encrypt(&server.certificates.chain)?;
    let (read, write) = noise.finish()?;
    let reply = server_hello(&ephemeral, None, chain);
    Ok((
        reply,
        Established {
            pattern: "IK",
            client_static,
            payload,
            read,
            write,
        },
    ))
}

impl WaitFinish {
    /// Reads the client finish.
    pub(crate) fn finish(mut self, frame: &[u8]) -> Result<Established, Error> {
        let message = HandshakeMessage::decode_from_slice(frame).map_err(Error::proto)?;
        let finish = message
            .client_finish
            .into_option()
            .ok_or(Error::Wire("no client finish"))?;
        let (Some(client_static), Some(payload)) = (finish.r#static, finish.payload) else {
            return Err(Error::Wire("incomplete client finish"));
        };
        let client_static = self.noise.decrypt(&client_static)?;
        self.noise
            .mix_shared_secret(self.ephemeral.private_key.serialize(), &client_static)?;
        let payload = self.noise.decrypt(&payload)?;
        // The initiator's write key comes first; the responder reads with it.
        let (read, write) = self.noise.finish()?;
        Ok(Established {
            pattern: self.pattern,
            client_static,
            payload,
            read,
            write,
        })
    }
}

fn server_hello(ephemeral: &KeyPair, encrypted_static: Option<Vec<u8>>, chain: Vec<u8>) -> Vec<u8> {
    HandshakeMessage {
        server_hello: MessageField::some(ServerHello {
            ephemeral: Some(ephemeral.public_key.public_key_bytes().to_vec()),
            r#static: encrypted_static,
            payload: Some(chain),
            ..Default::default()
        }),
        ..Default::default()
    }
    .encode_to_vec()
}
