//! Linking with a pairing code that a person types into the phone.
//!
//! Stages and cryptography: `wacore/src/pair_code.rs`.

use tokio::sync::oneshot;
use wacore::crypto::hkdf_sha256_into;
use wacore::pair_code::PairCodeUtils;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, NodeRef, SERVER_JID};
use wacore_libsignal::crypto::aes_256_gcm_decrypt;
use wacore_libsignal::protocol::PublicKey;

use crate::error::Error;
use crate::keys::StoredPair;
use crate::nodes::{attr, child_bytes, iq_error, iq_result, jid_attr, server_id};
use crate::pairing::link::{LinkWaiter, Linked};
use crate::time::now_secs;
use crate::world::World;
use crate::world::conns::{ConnId, Role};

const BUNDLE_KEY_INFO: &[u8] = b"link_code_pairing_key_bundle_encryption_key";
const ADV_SECRET_INFO: &[u8] = b"adv_secret";
const SALT_LEN: usize = 32;
const IV_LEN: usize = 12;
const WRAPPED_KEY_LEN: usize = 80;

/// A socket that asked for a pairing code.
pub(crate) struct CodeFlow {
    pub(crate) phone: String,
    reference: Vec<u8>,
    wrapped_companion_key: Vec<u8>,
    primary: Option<Primary>,
}

/// What the phone did after the code was typed in.
struct Primary {
    ephemeral: StoredPair,
    companion_ephemeral: [u8; 32],
    name: Option<String>,
    done: oneshot::Sender<Result<Linked, Error>>,
}

/// The wrapped key of a socket that waits for this code.
pub(crate) struct Typed {
    conn: ConnId,
    pub(crate) wrapped_companion_key: Vec<u8>,
}

/// The phone's half of the exchange. Made outside the lock: the key derivation is slow.
pub(crate) struct PrimaryHello {
    ephemeral: StoredPair,
    companion_ephemeral: [u8; 32],
    wrapped: [u8; WRAPPED_KEY_LEN],
}

impl PrimaryHello {
    /// Opens the companion's key with the code, and wraps a key of the phone.
    pub(crate) fn derive(wrapped_companion_key: &[u8], code: &str) -> Result<Self, Error> {
        let companion_ephemeral =
            PairCodeUtils::decrypt_primary_ephemeral_pub(wrapped_companion_key, code)
                .map_err(|error| Error::Pairing(error.to_string()))?;
        let ephemeral = StoredPair::generate();
        let wrapped = PairCodeUtils::encrypt_ephemeral_pub(&ephemeral.public.0, code);
        Ok(Self {
            ephemeral,
            companion_ephemeral,
            wrapped,
        })
    }
}

/// A code as it is typed: any case, with or without the dash.
pub(crate) fn normalise(code: &str) -> Result<String, Error> {
    let code: String = code.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let code = code.to_ascii_uppercase();
    if PairCodeUtils::validate_code(&code) {
        Ok(code)
    } else {
        Err(Error::BadRequest(
            "a pairing code has eight characters".to_owned(),
        ))
    }
}

impl World {
    /// Stage 1: the client wants a code for a phone number.
    pub(crate) fn companion_hello(&mut self, conn: ConnId, id: &str, node: &NodeRef<'_>) {
        let phone = jid_attr(node, "jid").map(|jid: Jid| jid.user.to_string());
        let wrapped = child_bytes(node, "link_code_pairing_wrapped_companion_ephemeral_pub");
        let (Some(phone), Some(wrapped)) = (phone, wrapped) else {
            return self.send(conn, &iq_error(id, 400, "bad-request"));
        };
        if wrapped.len() != WRAPPED_KEY_LEN {
            return self.send(conn, &iq_error(id, 400, "bad-request"));
        }
        let reference = rand::random::<[u8; 16]>().to_vec();
        let wrapped_companion_key = wrapped.to_vec();
        let Some(pending) = self.pending(conn) else {
            return;
        };
        pending.code = Some(CodeFlow {
            phone,
            reference: reference.clone(),
            wrapped_companion_key,
            primary: None,
        });
        let reply = NodeBuilder::new("link_code_companion_reg")
            .attr("stage", "companion_hello")
            .children([NodeBuilder::new("link_code_pairing_ref")
                .bytes(reference)
                .build()])
            .build();
        self.send(conn, &iq_result(id, [reply]));
    }

    /// Finds the socket that waits for a code for this phone.
    pub(crate) fn typed_code(&self, phone: &str) -> Result<Typed, Error> {
        self.conns
            .iter()
            .filter_map(|(id, conn)| match &conn.role {
                Role::Pairing(pending) if pending.link.is_none() => Some((
                    *id,
                    pending.code.as_ref().filter(|code| code.phone == phone)?,
                )),
                _ => None,
            })
            .max_by_key(|(id, _)| *id)
            .map(|(conn, code)| Typed {
                conn,
                wrapped_companion_key: code.wrapped_companion_key.clone(),
            })
            .ok_or_else(|| Error::missing(format!("no socket waits for a code for {phone}")))
    }

    /// Stage 2: the phone answers.
    pub(crate) fn primary_hello(
        &mut self,
        typed: &Typed,
        phone: &str,
        name: Option<&str>,
        hello: PrimaryHello,
    ) -> Result<LinkWaiter, Error> {
        let phone = self.account_for_link(Some(phone), name)?;
        let identity = self.account(&phone)?.row.keys.identity.public;
        let (done, waiter) = oneshot::channel();
        let code = self
            .pending(typed.conn)
            .and_then(|pending| pending.code.as_mut())
            .ok_or_else(|| Error::missing("the socket is gone"))?;
        let reference = code.reference.clone();
        code.primary = Some(Primary {
            ephemeral: hello.ephemeral,
            companion_ephemeral: hello.companion_ephemeral,
            name: name.map(str::to_owned),
            done,
        });
        let reg = NodeBuilder::new("link_code_companion_reg")
            .attr("stage", "primary_hello")
            .children([
                NodeBuilder::new("link_code_pairing_wrapped_primary_ephemeral_pub")
                    .bytes(hello.wrapped.to_vec())
                    .build(),
                NodeBuilder::new("primary_identity_pub")
                    .bytes(identity.0.to_vec())
                    .build(),
                NodeBuilder::new("link_code_pairing_ref")
                    .bytes(reference)
                    .build(),
            ])
            .build();
        let notification = NodeBuilder::new("notification")
            .attr("from", SERVER_JID)
            .attr("type", "link_code_companion_reg")
            .attr("id", server_id())
            .attr("t", now_secs().to_string())
            .children([reg])
            .build();
        self.send(typed.conn, &notification);
        Ok(waiter)
    }

    /// Stage 3: the client sends its key bundle.
    pub(crate) fn companion_finish(&mut self, conn: ConnId, id: &str, node: &NodeRef<'_>) {
        let Some(code) = self.pending(conn).and_then(|pending| pending.code.as_mut()) else {
            return self.send(conn, &iq_error(id, 400, "bad-request"));
        };
        let phone = code.phone.clone();
        let matches = child_bytes(node, "link_code_pairing_ref") == Some(&code.reference);
        let Some(primary) = code.primary.take().filter(|_| matches) else {
            return self.send(conn, &iq_error(id, 400, "bad-request"));
        };
        self.send(conn, &iq_result(id, []));
        let wrapped = child_bytes(node, "link_code_pairing_wrapped_key_bundle").unwrap_or_default();
        let secret = match self.account(&phone) {
            Ok(account) => open_bundle(&account.row.keys.identity, &primary, wrapped),
            Err(error) => Err(error),
        };
        match secret {
            Ok(secret) => {
                let Primary { name, done, .. } = primary;
                if let Err(error) =
                    self.start_link_to(conn, Some(&phone), name.as_deref(), &secret, done)
                {
                    tracing::warn!(%error, "pairing by code failed");
                }
            }
            // The phone shows "wrong code". The client hears nothing.
            Err(error) => {
                let _ = primary.done.send(Err(error));
            }
        }
    }

    /// Dispatches the stages that a client sends.
    pub(crate) fn link_code(&mut self, conn: ConnId, id: &str, node: &NodeRef<'_>) {
        match attr(node, "stage").as_deref() {
            Some("companion_hello") => self.companion_hello(conn, id, node),
            Some("companion_finish") => self.companion_finish(conn, id, node),
            _ => self.send(conn, &iq_error(id, 400, "bad-request")),
        }
    }
}

/// Opens the bundle and derives the ADV secret from it.
fn open_bundle(
    identity: &StoredPair,
    primary: &Primary,
    wrapped: &[u8],
) -> Result<[u8; 32], Error> {
    let wrong = || Error::Pairing("wrong code: the key bundle does not open".to_owned());
    let (Some(salt), Some(iv), Some(sealed)) = (
        wrapped.get(..SALT_LEN),
        wrapped.get(SALT_LEN..SALT_LEN + IV_LEN),
        wrapped.get(SALT_LEN + IV_LEN..),
    ) else {
        return Err(wrong());
    };
    let companion =
        PublicKey::from_djb_public_key_bytes(&primary.companion_ephemeral).map_err(Error::curve)?;
    let ephemeral_shared = primary
        .ephemeral
        .pair()?
        .calculate_agreement(&companion)
        .map_err(Error::curve)?;
    let mut key = [0; 32];
    hkdf_sha256_into(&ephemeral_shared, Some(salt), BUNDLE_KEY_INFO, &mut key)
        .map_err(|_| wrong())?;
    let iv: &[u8; IV_LEN] = iv.try_into().map_err(|_| wrong())?;
    let mut bundle = Vec::new();
    aes_256_gcm_decrypt(&key, iv, b"", sealed, &mut bundle).map_err(|_| wrong())?;
    let (Some(companion_identity), Some(primary_identity), Some(random)) =
        (bundle.get(..32), bundle.get(32..64), bundle.get(64..96))
    else {
        return Err(wrong());
    };
    if primary_identity != identity.public.0 {
        return Err(wrong());
    }
    let companion_identity =
        PublicKey::from_djb_public_key_bytes(companion_identity).map_err(Error::curve)?;
    let identity_shared = identity
        .pair()?
        .calculate_agreement(&companion_identity)
        .map_err(Error::curve)?;
    let combined = [ephemeral_shared.as_slice(), &identity_shared, random].concat();
    let mut secret = [0; 32];
    hkdf_sha256_into(&combined, None, ADV_SECRET_INFO, &mut secret).map_err(|_| wrong())?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_accepted_as_people_type_them() {
        assert_eq!(normalise("abcd-1234").ok().as_deref(), Some("ABCD1234"));
        assert!(normalise("ABC").is_err());
    }
}
