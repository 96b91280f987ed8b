//! An instance leaves for another shard.
//!
//! Whatever may fail is tried before the instance is stopped. From then on it is either handed
//! over or started again here, and never both: nobody starts it before it is certain that the
//! attempt can't succeed any more.

use pombal_domain::{Chain, Desired, Instance, InstanceId, MoveId, ShardId};
use pombal_sessions::{Label, Session};
use pombal_store::registry::{self, Handover};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::instance::Mail;
use crate::shard::{Error, HANG_UP_TIMEOUT, Shard};

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Departure {
    /// It must not be started here: it lives elsewhere, or somebody else is busy with it.
    Gone,
    /// It lives here for now.
    Stays,
}

/// An attempt that has begun.
struct Plan {
    row: Instance,
    label: Label,
    session: Session,
}

impl Shard {
    /// Hands an instance over to the shard that its row says.
    pub(super) async fn depart(
        &self,
        row: &Instance,
        stop: &CancellationToken,
    ) -> Result<Departure, Error> {
        let Some(_slot) = self.transits.try_enter(row.id) else {
            return Ok(Departure::Gone);
        };
        let Some(plan) = self.plan(row).await? else {
            return Ok(Departure::Stays);
        };
        let began = Instant::now();
        if !self.stop_instance(row.id).await {
            tracing::warn!(instance.id = %row.id, "instance does not stop; it is not moved yet");
            self.give_up(&plan, stop).await;
            self.transits.failed(row.id);
            return Ok(Departure::Stays);
        }
        if let Err(error) = self.carry(&plan).await {
            tracing::warn!(instance.id = %row.id, error = %Chain(&error), "instance not handed over");
            if self.give_up(&plan, stop).await == Departure::Stays {
                self.transits.failed(row.id);
                return Ok(Departure::Stays);
            }
        }
        self.transits.succeeded(row.id);
        tracing::info!(
            event = "instance.departed",
            instance.id = %row.id,
            shard = %self.context.shard,
            to = %plan.label.to,
            took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "instance handed over to another shard"
        );
        self.nudge(&plan.row, plan.label.to).await;
        Ok(Departure::Gone)
    }

    /// Begins an attempt, if one is wanted and can succeed for all that is known. The instance
    /// runs meanwhile.
    async fn plan(&self, row: &Instance) -> Result<Option<Plan>, Error> {
        let seams = &self.context.seams;
        let here = |now: &Instance| {
            now.id == row.id
                && now.shard == self.context.shard
                && now.transit.arriving.is_none()
                && now.desired != Desired::Moved
        };
        let Some(row) = seams.registry.instance(&row.name).await?.filter(here) else {
            return Ok(None);
        };
        let Some(to) = row.transit.to.filter(|_| self.transits.may_try(row.id)) else {
            return Ok(None);
        };
        if !seams.commands.contains_key(&to) {
            tracing::warn!(instance.id = %row.id, %to, "not moved: this connector does not know the shard");
            return Ok(None);
        }
        if seams.registry.remains(row.id, to).await?.is_some() {
            // It has lived there before. Its owner sends the nudge back when that is cleared.
            self.nudge(&row, to).await;
            return Ok(None);
        }
        let data_key = seams.keys.unwrap(row.id, &row.data_key).await?;
        let session = self.context.db.session(row.id, data_key);
        let label = |attempt| Label {
            to,
            instance: row.id,
            attempt,
        };
        let attempt = MoveId::random();
        match seams.registry.begin_departure(&row, to, attempt).await {
            Ok(()) => {}
            Err(registry::Error::Conflict) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        if let Some(before) = row.transit.departing {
            self.discard(label(before)).await;
        }
        let label = label(attempt);
        // An empty parcel opens for nobody. If it can't be put, neither can the real one.
        self.depot.put(label, Vec::new()).await?;
        Ok(Some(Plan {
            row,
            label,
            session,
        }))
    }

    /// Stops the instance in order, and lets nobody find it. False: it did not stop.
    async fn stop_instance(&self, id: InstanceId) -> bool {
        let Some(handle) = self.instances.lock().await.remove(&id) else {
            return true;
        };
        // Texts that are on their way are finished; what is behind them follows the instance.
        let patience = self.context.options.drain_timeout;
        let quiet = timeout(patience, handle.sending.write()).await;
        let told = handle.tell(|done| Mail::Drain { done });
        let stopped = timeout(HANG_UP_TIMEOUT, told).await.is_ok();
        drop(quiet);
        if stopped {
            handle.stop.cancel();
        } else {
            // Its mail is read some time: then it ends, and is started again.
            self.instances.lock().await.insert(id, handle);
        }
        stopped
    }

    /// Takes the rows out of this shard, and gives them to the other one.
    async fn carry(&self, plan: &Plan) -> Result<(), Error> {
        let Label { to, attempt, .. } = plan.label;
        let parcel = plan.session.leave(attempt).await?;
        if !self.context.tenure.holds() {
            return Err(Error::Lapsed);
        }
        self.depot.put(plan.label, parcel).await?;
        let handover = Handover {
            instance: &plan.row,
            attempt,
            to,
            owner: self.context.me,
            epoch: self.context.epoch,
        };
        Ok(self.context.seams.registry.hand_over(handover).await?)
    }

    /// Makes sure that nothing comes of an attempt, or finds out that it has succeeded. Until
    /// one of both is certain, the instance runs nowhere.
    async fn give_up(&self, plan: &Plan, stop: &CancellationToken) -> Departure {
        let registry = &self.context.seams.registry;
        let mut backoff = Backoff::default();
        loop {
            let abandoned = registry
                .abandon_departure(&plan.row, plan.label.attempt)
                .await;
            let certain = match abandoned {
                Ok(true) => {
                    self.discard(plan.label).await;
                    Ok(Departure::Stays)
                }
                Ok(false) => self.whereabouts(&plan.row).await,
                Err(error) => Err(error),
            };
            match certain {
                Ok(departure) => return departure,
                Err(error) => {
                    tracing::warn!(instance.id = %plan.row.id, error = %Chain(&error), "attempt not abandoned yet");
                }
            }
            tokio::select! {
                // The next owner begins an attempt of its own.
                () = stop.cancelled() => return Departure::Gone,
                () = self.context.tenure.ended() => return Departure::Gone,
                () = tokio::time::sleep(backoff.next()) => {}
            }
        }
    }

    async fn whereabouts(&self, row: &Instance) -> Result<Departure, registry::Error> {
        let now = self.context.seams.registry.instance(&row.name).await?;
        let here = |now: &Instance| now.id == row.id && now.shard == row.shard;
        Ok(if now.as_ref().is_some_and(here) {
            Departure::Stays
        } else {
            Departure::Gone
        })
    }

    /// Removes a parcel that is worth nothing. If that fails, the owner of the shard that it was
    /// for does so.
    pub(super) async fn discard(&self, label: Label) {
        if let Err(error) = self.depot.remove(label).await {
            tracing::warn!(instance.id = %label.instance, error = %Chain(&error), "parcel not removed");
        }
    }

    /// Tells the owner of a shard to look at an instance's row. It would do so by itself, some
    /// time later.
    async fn nudge(&self, row: &Instance, to: ShardId) {
        if let Err(error) = self.send_nudge(row, to).await {
            tracing::warn!(instance.id = %row.id, %to, error = %Chain(&error), "shard not nudged");
        }
    }
}
