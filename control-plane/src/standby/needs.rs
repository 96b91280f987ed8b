//! Whether anything needs a connector.

use std::sync::{Mutex, PoisonError};

use pombal_domain::{InstanceName, ShardId};
use pombal_store::{Registry, registry};

/// Instances that are read at once.
const PAGE: usize = 100;

/// The registry can't tell.
#[derive(Debug, thiserror::Error)]
#[error("registry failed")]
pub struct NeedsError(#[from] registry::Error);

/// Looks for something that needs a connector.
///
/// It stops at the first that it finds, and begins with that one the next time: one read unit
/// while the same instance is connected. Otherwise it reads rows page by page, half a read unit
/// per 4 KB. Only when nothing at all needs a connector are all rows read, and then the
/// tombstones of each shard.
pub struct Needs {
    registry: Registry,
    shards: u16,
    /// Who needed one the last time.
    last: Mutex<Option<InstanceName>>,
}

impl Needs {
    /// Looks at a registry with so many shards.
    #[must_use]
    pub fn new(registry: Registry, shards: u16) -> Self {
        Self {
            registry,
            shards,
            last: Mutex::default(),
        }
    }

    /// Whether an instance needs a connector, or what is left of a deleted one has to be wiped.
    /// The indexes may lag: a wish of the last moments may be missed, and is seen the next time.
    ///
    /// # Errors
    /// [`NeedsError`].
    pub async fn any(&self) -> Result<bool, NeedsError> {
        if self.last_still_does().await? {
            return Ok(true);
        }
        let found = self.instance().await?;
        let is_found = found.is_some();
        self.remember(found);
        Ok(is_found || self.has_tombstones().await?)
    }

    async fn last_still_does(&self) -> Result<bool, NeedsError> {
        let last = self
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some(name) = last else { return Ok(false) };
        let row = self.registry.instance(&name).await?;
        Ok(row.is_some_and(|row| row.needs_connector()))
    }

    fn remember(&self, found: Option<InstanceName>) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = found;
    }

    /// The first instance, in name order, that needs a connector.
    async fn instance(&self) -> Result<Option<InstanceName>, NeedsError> {
        let mut after = None;
        loop {
            let page = self.registry.list_instances(after.as_ref(), PAGE).await?;
            if let Some(row) = page.iter().find(|row| row.needs_connector()) {
                return Ok(Some(row.name.clone()));
            }
            if page.len() < PAGE {
                return Ok(None);
            }
            after = page.last().map(|row| row.name.clone());
        }
    }

    /// What stays of deleted instances is for a connector to wipe.
    async fn has_tombstones(&self) -> Result<bool, NeedsError> {
        for shard in (0..self.shards).map(ShardId) {
            if !self.registry.graves(shard).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
