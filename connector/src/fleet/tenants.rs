//! What this process has of each shard.

use std::collections::BTreeMap;
use std::time::Duration;

use pombal_domain::{Epoch, ShardId};
use pombal_ownership::Held;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::tenure::Tenure;

/// One shard that this process has taken.
pub(super) struct Tenant {
    pub(super) epoch: Epoch,
    pub(super) tenure: Tenure,
    /// Tells its task to close it in order.
    pub(super) drain: CancellationToken,
    pub(super) phase: Phase,
    /// When the phase began.
    pub(super) since: Instant,
}

/// How far it is with a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its task opens or serves it.
    Running,
    /// It has failed, has no task, and is taken anew then.
    Paused { until: Instant },
    /// Its task closes it in order.
    Closing,
    /// It was lost; its task winds down.
    Dropped,
    /// It is closed and has no task. Its row names us still.
    Closed,
}

impl Tenant {
    pub(super) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.since = Instant::now();
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Tenants {
    pub(super) all: BTreeMap<ShardId, Tenant>,
    backoffs: BTreeMap<ShardId, Backoff>,
}

impl Tenants {
    /// What the decisions are told.
    pub(super) fn held(&self) -> BTreeMap<ShardId, Held> {
        let held = |tenant: &Tenant| match tenant.phase {
            Phase::Running | Phase::Paused { .. } => Held::Running(tenant.epoch),
            Phase::Closing | Phase::Dropped => Held::Closing(tenant.epoch),
            Phase::Closed => Held::Closed(tenant.epoch),
        };
        let all = self.all.iter();
        all.map(|(shard, tenant)| (*shard, held(tenant))).collect()
    }

    /// Forgets those whose pause is over: the row still names us, and they are taken anew.
    pub(super) fn end_pauses(&mut self) {
        let now = Instant::now();
        self.all
            .retain(|_, tenant| !matches!(tenant.phase, Phase::Paused { until } if until <= now));
    }

    /// When the next pause ends.
    pub(super) fn next_pause_end(&self) -> Option<Instant> {
        let ends = self.all.values().filter_map(|tenant| match tenant.phase {
            Phase::Paused { until } => Some(until),
            _ => None,
        });
        ends.min()
    }

    /// The next pause of a shard that has failed after it was served for so long.
    pub(super) fn pause(&mut self, shard: ShardId, served: Duration) -> Duration {
        let backoff = self.backoffs.entry(shard).or_default();
        if served >= Backoff::STABLE {
            backoff.reset();
        }
        backoff.next()
    }

    /// Whether one is being given away, or wound down.
    pub(super) fn any_leaving(&self) -> bool {
        let settled = |phase| matches!(phase, Phase::Running | Phase::Paused { .. });
        self.all.values().any(|tenant| !settled(tenant.phase))
    }
}
