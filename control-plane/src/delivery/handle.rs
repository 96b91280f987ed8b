//! What others see of a running delivery.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Shows what a [`super::DeliveryService`] has done. A cheap clone.
#[derive(Debug, Clone, Default)]
pub struct DeliveryHandle(Arc<Counters>);

/// Totals since the service was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Events that an endpoint took, counted for each sink.
    pub delivered: u64,
    /// Attempts that failed and will be repeated.
    pub failed: u64,
    /// Events given up, and messages that can't be read.
    pub dead: u64,
    /// Events that no sink wants: no webhook, or not this event.
    pub unwanted: u64,
    /// Events of instances that are gone.
    pub orphaned: u64,
    /// Events of a connector that had lost its shard.
    pub stale: u64,
}

#[derive(Debug, Default)]
struct Counters {
    delivered: AtomicU64,
    failed: AtomicU64,
    dead: AtomicU64,
    unwanted: AtomicU64,
    orphaned: AtomicU64,
    stale: AtomicU64,
}

impl DeliveryHandle {
    /// The totals now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            delivered: read(&self.0.delivered),
            failed: read(&self.0.failed),
            dead: read(&self.0.dead),
            unwanted: read(&self.0.unwanted),
            orphaned: read(&self.0.orphaned),
            stale: read(&self.0.stale),
        }
    }

    pub(super) fn delivered(&self) {
        self.0.delivered.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn failed(&self) {
        self.0.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn dead(&self) {
        self.0.dead.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn unwanted(&self) {
        self.0.unwanted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn orphaned(&self) {
        self.0.orphaned.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn stale(&self) {
        self.0.stale.fetch_add(1, Ordering::Relaxed);
    }
}
