//! Instance tokens for bodies, opened once and kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use pombal_domain::{Instance, InstanceId};
use pombal_store::Keys;

use crate::api::token;
use crate::secret::Secret;

/// Most tokens kept. When they are more, all are forgotten.
const MOST: usize = 10_000;

/// Opens tokens, each once.
pub(super) struct Tokens {
    keys: Arc<dyn Keys>,
    known: Mutex<HashMap<InstanceId, Known>>,
}

/// An instance's token, and its hash: who gets a new token gets a new hash.
struct Known {
    hash: String,
    token: Secret,
}

impl Tokens {
    pub(super) fn new(keys: Arc<dyn Keys>) -> Self {
        Self {
            keys,
            known: Mutex::default(),
        }
    }

    /// The token of `instance`.
    pub(super) async fn of(&self, instance: &Instance) -> Result<Secret, token::Error> {
        let known = self.known().get(&instance.id).and_then(|known| {
            let is_current = known.hash == instance.token_hash;
            is_current.then(|| known.token.clone())
        });
        if let Some(token) = known {
            return Ok(token);
        }
        let token = token::open(self.keys.as_ref(), instance).await?;
        let mut known = self.known();
        if known.len() >= MOST {
            known.clear();
        }
        let hash = instance.token_hash.clone();
        let entry = Known {
            hash,
            token: token.clone(),
        };
        known.insert(instance.id, entry);
        Ok(token)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<InstanceId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
