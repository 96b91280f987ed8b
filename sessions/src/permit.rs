//! Whether a process may still write to a shard's database.

use std::fmt;
use std::sync::Arc;

/// Asked before each write to the object store. Once it says no, writes fail for good: who was
/// stopped for a while and goes on must not write what it had in mind.
#[derive(Clone)]
pub struct Permit(Arc<dyn Fn() -> bool + Send + Sync>);

impl Permit {
    /// A permit that `holds` says.
    pub fn new(holds: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(holds))
    }

    /// A permit for ever.
    #[must_use]
    pub fn always() -> Self {
        Self::new(|| true)
    }

    pub(crate) fn holds(&self) -> bool {
        (self.0)()
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(&self.holds()).finish()
    }
}

/// The permit to write to a shard's database has ended.
#[derive(Debug, thiserror::Error)]
#[error("the permit to write has ended")]
pub(crate) struct NoPermit;
