//! Does what was decided.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use pombal_domain::time::UnixMs;
use pombal_domain::{Chain, ConnectorId, Epoch, OldOwner, ShardId, ShardRow};
use pombal_ownership::Action;
use pombal_store::registry::{self, Error};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::keeper::{Keeper, REGISTRY_TIMEOUT};
use super::occupant::Occupant;
use super::tenants::{Phase, Tenant};
use crate::shard::Place;

/// A shard that was taken.
struct Taken {
    place: Place,
    from: Option<ConnectorId>,
}

impl Keeper {
    /// Does everything; whether something has changed that is worth another look.
    pub(super) async fn act(&mut self, actions: Vec<Action>) -> bool {
        let mut changed = false;
        let takes = actions.iter().filter_map(|action| match action {
            Action::Take { seen, old } => Some(self.take(seen, *old)),
            _ => None,
        });
        let taken: Vec<Taken> = join_all(takes).await.into_iter().flatten().collect();
        for taken in taken {
            self.occupy(taken);
            changed = true;
        }
        for action in actions {
            changed |= match action {
                Action::Take { .. } => false,
                Action::HandOver { shard } => self.hand_over(shard),
                Action::Release { seen } => self.release(&seen).await,
                Action::Drop { shard } => self.lose(shard),
                Action::Request { seen } => self.request(&seen).await,
                Action::Refuse { seen } => self.refuse(&seen).await,
            };
        }
        changed
    }

    async fn take(&self, seen: &ShardRow, old: OldOwner) -> Option<Taken> {
        // From before it is asked for: a process that is stopped meanwhile must not believe
        // that it owns what was taken from it again.
        let tenure = self.lease.tenure()?;
        let registry = &self.connector.seams.registry;
        let taking = registry.take_shard(seen, self.connector.me, old);
        let epoch = asked("shard not taken", seen.shard, taking).await?;
        tenure.holds().then_some(Taken {
            place: Place {
                shard: seen.shard,
                epoch,
                tenure,
                vacant_since: self.vacant_since(seen),
            },
            from: seen.owner,
        })
    }

    /// When somebody last served a shard: a dead owner's last renewal, or the release. None:
    /// nobody ever has, or nobody can tell.
    fn vacant_since(&self, seen: &ShardRow) -> Option<UnixMs> {
        match seen.owner {
            Some(owner) => self.fleet.connector(owner).map(|row| row.renewed_at),
            None => (seen.epoch != Epoch(0)).then_some(seen.since),
        }
    }

    fn occupy(&mut self, taken: Taken) {
        let Taken { place, from } = taken;
        let (shard, epoch, tenure) = (place.shard, place.epoch, place.tenure.clone());
        tracing::info!(%shard, %epoch, from = from.map(tracing::field::display), "shard taken");
        let drain = CancellationToken::new();
        self.connector.status.opening(shard);
        let occupant = Occupant {
            connector: Arc::clone(&self.connector),
            place,
            drain: drain.clone(),
        };
        self.tasks.spawn(occupant.stay());
        let tenant = Tenant {
            epoch,
            tenure,
            drain,
            phase: Phase::Running,
            since: Instant::now(),
        };
        self.tenants.all.insert(shard, tenant);
    }

    fn hand_over(&mut self, shard: ShardId) -> bool {
        let Some(tenant) = self.tenants.all.get_mut(&shard) else {
            return false;
        };
        tenant.drain.cancel();
        let has_task = tenant.phase == Phase::Running;
        tenant.enter(if has_task {
            Phase::Closing
        } else {
            Phase::Closed
        });
        // The task's end brings the next look.
        !has_task
    }

    fn lose(&mut self, shard: ShardId) -> bool {
        let Some(tenant) = self.tenants.all.get_mut(&shard) else {
            return false;
        };
        tenant.tenure.cut();
        match tenant.phase {
            Phase::Dropped => false,
            Phase::Running | Phase::Closing => {
                tracing::error!(event = "shard.lost", %shard, epoch = %tenant.epoch, "dropping the shard");
                tenant.enter(Phase::Dropped);
                false
            }
            Phase::Paused { .. } | Phase::Closed => {
                self.forget(shard);
                true
            }
        }
    }

    async fn release(&mut self, seen: &ShardRow) -> bool {
        let (shard, epoch) = (seen.shard, seen.epoch);
        let registry = &self.connector.seams.registry;
        let releasing = registry.release_shard(shard, self.connector.me, epoch);
        let released = match timeout(REGISTRY_TIMEOUT, releasing).await {
            Ok(Ok(())) => true,
            // It is not ours any more: as good.
            Ok(Err(Error::Conflict)) => false,
            Ok(Err(error)) => {
                tracing::warn!(%shard, error = %Chain(&error), "shard not released yet");
                return false;
            }
            Err(_) => {
                tracing::warn!(%shard, "shard not released yet: the registry does not answer");
                return false;
            }
        };
        if let Some(tenant) = self.forget(shard) {
            tracing::info!(
                event = "shard.released",
                %shard,
                %epoch,
                released,
                close_ms = milliseconds(tenant.since.elapsed()),
                "shard released"
            );
        }
        true
    }

    async fn request(&self, seen: &ShardRow) -> bool {
        let registry = &self.connector.seams.registry;
        let requesting = registry.request_shard(seen, self.connector.me);
        asked("shard not asked for", seen.shard, requesting)
            .await
            .is_some()
    }

    async fn refuse(&self, seen: &ShardRow) -> bool {
        let registry = &self.connector.seams.registry;
        asked("request stays", seen.shard, registry.refuse_shard(seen))
            .await
            .is_some()
    }
}

/// The registry's answer. None: it has changed meanwhile, or it can't be had; there is a next
/// look.
async fn asked<T>(
    what: &'static str,
    shard: ShardId,
    request: impl Future<Output = Result<T, registry::Error>>,
) -> Option<T> {
    match timeout(REGISTRY_TIMEOUT, request).await {
        Ok(Ok(answer)) => return Some(answer),
        Ok(Err(Error::Conflict)) => {}
        Ok(Err(error)) => tracing::warn!(%shard, error = %Chain(&error), "{what}"),
        Err(_) => tracing::warn!(%shard, "{what}: the registry does not answer"),
    }
    None
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
