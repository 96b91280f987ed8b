//! Instance tokens for bodies, opened once and kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use pombal_domain::{Instance, InstanceId};
use pombal_store::Keys;

use crate::api::token;
use crate::secret::Secret;

/// Most tokens kept. When they are more, all are forgotten.
const MOST: usize = 10_000;

/// Opens tokens; an instance's token never changes, so each is opened once.
pub(super) struct Tokens {
    keys: Arc<dyn Keys>,
    known: Mutex<HashMap<InstanceId, Secret>>,
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
        if let Some(token) = self.known().get(&instance.id) {
            return Ok(token.clone());
        }
        let token = token::open(self.keys.as_ref(), instance).await?;
        let mut known = self.known();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(instance.id, token.clone());
        Ok(token)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<InstanceId, Secret>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
