//! The keys of app state. The phone makes them; companions get them in messages.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wacore_appstate::{AppStateError, ExpandedAppStateKeys, expand_app_state_keys};

use crate::keys::{Key32, b64};
use crate::time::now_secs;
use crate::world::account::AccountRow;

/// One key.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SyncKey {
    #[serde(with = "b64")]
    pub(crate) id: Vec<u8>,
    pub(crate) data: Key32,
    /// Seconds since 1970.
    pub(crate) created: u64,
}

impl SyncKey {
    /// Draws a new key.
    pub(crate) fn generate() -> Self {
        Self {
            id: rand::random::<[u8; 6]>().to_vec(),
            data: Key32(rand::random()),
            created: now_secs(),
        }
    }

    /// The keys that are derived from it.
    pub(crate) fn expanded(&self) -> ExpandedAppStateKeys {
        expand_app_state_keys(&self.data.0)
    }
}

/// All keys of an account, the current one last.
#[derive(Clone)]
pub(crate) struct SyncKeys(Vec<SyncKey>);

impl SyncKeys {
    /// The keys of an account.
    pub(crate) fn of(row: &AccountRow) -> Self {
        let first = SyncKey {
            id: row.sync_key_id.clone(),
            data: row.sync_key,
            created: row.created,
        };
        Self(
            std::iter::once(first)
                .chain(row.newer_sync_keys.iter().cloned())
                .collect(),
        )
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &SyncKey> {
        self.0.iter()
    }

    /// The key for new patches.
    pub(crate) fn current(&self) -> &SyncKey {
        // `of` puts in at least one.
        &self.0[self.0.len() - 1]
    }

    /// The key with an id, derived.
    pub(crate) fn find(&self, id: &[u8]) -> Result<Arc<ExpandedAppStateKeys>, AppStateError> {
        self.0
            .iter()
            .find(|key| key.id == id)
            .map(|key| Arc::new(key.expanded()))
            .ok_or(AppStateError::KeyNotFound)
    }
}

#[cfg(test)]
impl FromIterator<SyncKey> for SyncKeys {
    fn from_iter<I: IntoIterator<Item = SyncKey>>(keys: I) -> Self {
        Self(keys.into_iter().collect())
    }
}
