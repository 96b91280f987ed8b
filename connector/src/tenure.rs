//! The right to act for one shard: while the lease lasts, and the shard was not lost.
//!
//! A process that was stopped for longer than its lease must notice before it does anything.
//! Timers may fire late, so whatever leaves this process for a shard asks its tenure at that
//! moment: frames to WhatsApp ([`transport`]), messages to queues and their receipts
//! ([`queue`]), and writes to the session database (its permit).

pub(crate) mod queue;
pub(crate) mod transport;

use std::sync::Arc;

use pombal_sessions::Permit;
use tokio_util::sync::CancellationToken;

use crate::lease::{Lease, While};

/// There is no right to act any more.
#[derive(Debug, thiserror::Error)]
#[error("this process does not own the shard any more")]
pub(crate) struct Ended;

/// The right to act for one shard. Clones are the same right.
#[derive(Debug, Clone)]
pub(crate) struct Tenure {
    lease: Arc<Lease>,
    term: While,
    cut: CancellationToken,
}

impl Tenure {
    pub(crate) fn new(lease: Arc<Lease>, term: While) -> Self {
        Self {
            lease,
            term,
            cut: CancellationToken::new(),
        }
    }

    /// Whether it lasts now.
    pub(crate) fn holds(&self) -> bool {
        !self.cut.is_cancelled() && self.lease.lasts(self.term)
    }

    /// Fails when it has ended.
    ///
    /// # Errors
    /// [`Ended`].
    pub(crate) fn check(&self) -> Result<(), Ended> {
        if self.holds() { Ok(()) } else { Err(Ended) }
    }

    /// Ends it: somebody else owns the shard.
    pub(crate) fn cut(&self) {
        self.cut.cancel();
    }

    /// Resolves when it has ended.
    pub(crate) async fn ended(&self) {
        tokio::select! {
            () = self.cut.cancelled() => {}
            () = self.lease.ended(self.term) => {}
        }
    }

    /// The permit to write to the shard's database.
    pub(crate) fn permit(&self) -> Permit {
        let tenure = self.clone();
        Permit::new(move || tenure.holds())
    }
}
