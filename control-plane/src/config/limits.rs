//! What callers may have at most.

use std::num::{NonZeroU64, NonZeroUsize};

use pombal_store::env::{self, BadVariable};

/// What callers may have at most. By default there are no limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimitsConfig {
    /// `RATE_LIMIT_PER_MINUTE`: requests with one key in a minute. Each request costs a write
    /// of the registry then.
    pub requests_per_minute: Option<NonZeroU64>,
    /// `MAX_INSTANCES`: instances that there may be.
    pub instances: Option<NonZeroUsize>,
}

impl LimitsConfig {
    /// Reads the environment. 0 stands for no limit.
    ///
    /// # Errors
    /// [`BadVariable`].
    pub fn from_env() -> Result<Self, BadVariable> {
        Ok(Self {
            requests_per_minute: NonZeroU64::new(env::parse("RATE_LIMIT_PER_MINUTE", 0)?),
            instances: NonZeroUsize::new(env::parse("MAX_INSTANCES", 0)?),
        })
    }
}
