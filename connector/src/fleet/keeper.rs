//! The loop that keeps shards: look at the fleet, decide, act.

use std::sync::Arc;
use std::time::Duration;

use pombal_domain::time::UnixMs;
use pombal_domain::{Chain, ConnectorId, Fleet, ShardId};
use pombal_ownership::{Observer, Situation, decide};
use pombal_store::registry;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::heart::{Heart, Pulse};
use super::occupant::Ended;
use super::tenants::{Phase, Tenant, Tenants};
use crate::health::Doctor;
use crate::lease::Lease;
use crate::service::{Connector, Error};
use crate::shard;

/// Longest wait for one request to the registry.
pub(super) const REGISTRY_TIMEOUT: Duration = Duration::from_millis(2_500);
/// Pause between two looks while somebody waits for the other.
const HURRY: Duration = Duration::from_millis(250);
/// Pause before the look at what the last one has changed.
const AFTER_ACTING: Duration = Duration::from_millis(50);
/// Pause between two looks of a process that is alone: nothing changes by itself.
const ALONE: Duration = Duration::from_secs(30);
/// How long a request is waited for in a hurry.
const REQUEST_PATIENCE: Duration = Duration::from_secs(30);
/// How long a drain waits for others to ask for shards. Then it closes what is left, well
/// before Fargate's 120 s are over.
const DRAIN_PATIENCE: Duration = Duration::from_secs(60);
/// How long a connector that was cut off takes no shards after it is not any more.
const CONVALESCENCE: Duration = Duration::from_secs(15);

/// Keeps the shards of one connector.
pub(crate) struct Keeper {
    pub(super) connector: Arc<Connector>,
    pub(super) lease: Arc<Lease>,
    pub(super) tenants: Tenants,
    pub(super) tasks: JoinSet<Ended>,
    pub(super) drain: CancellationToken,
    /// None for a process that is alone: there is nobody to tell.
    heart: Option<Heart>,
    observer: Observer,
    pub(super) fleet: Fleet,
    doctor: Doctor,
    draining_since: Option<Instant>,
    /// It takes no shards until then.
    unwell_until: Option<Instant>,
    /// Since when a shard that we asked for is waited for.
    waiting_since: Option<Instant>,
}

impl Keeper {
    /// Keeps shards until `drain` is cancelled and everything is given away.
    ///
    /// # Errors
    /// [`Error::Registry`] when a process that is alone can't take its place at the start;
    /// [`Error::Task`].
    pub(crate) async fn run(
        connector: Arc<Connector>,
        drain: CancellationToken,
    ) -> Result<(), Error> {
        let (lease, heart) = begin(&connector).await?;
        let seams = &connector.seams;
        let doctor = Doctor::new(
            connector.health.clone(),
            Arc::clone(&seams.sessions),
            &seams.sessions_root,
            Arc::clone(&seams.events),
        );
        let keeper = Self {
            connector,
            lease,
            tenants: Tenants::default(),
            tasks: JoinSet::new(),
            drain,
            heart,
            observer: Observer::new(),
            fleet: Fleet::default(),
            doctor,
            draining_since: None,
            unwell_until: None,
            waiting_since: None,
        };
        keeper.keep().await
    }

    async fn keep(mut self) -> Result<(), Error> {
        let mut next_look = Instant::now();
        loop {
            tokio::select! {
                Some(ended) = self.tasks.join_next() => {
                    self.ended(ended.map_err(Error::Task)?);
                    next_look = Instant::now();
                }
                () = self.drain.cancelled(), if self.draining_since.is_none() => {
                    tracing::info!(shards = self.tenants.all.len(), "giving all shards away");
                    self.draining_since = Some(Instant::now());
                    next_look = Instant::now();
                }
                () = sleep_until(next_look) => {
                    next_look = Instant::now() + self.look().await;
                    if self.is_done() {
                        self.leave().await;
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Looks at the fleet and does what is to be done. Returns the pause before the next look.
    async fn look(&mut self) -> Duration {
        self.tenants.end_pauses();
        let accepting = self.accepts().await;
        if let Some(heart) = &self.heart {
            heart.alive();
            heart.accept(accepting);
        }
        if !self.lease.holds() {
            self.connector.status.lapsed();
            return HURRY;
        }
        let asked_at = self.lease.now();
        let registry = &self.connector.seams.registry;
        self.fleet = match timeout(REGISTRY_TIMEOUT, registry.fleet()).await {
            Ok(Ok(fleet)) => fleet,
            Ok(Err(error)) => {
                tracing::warn!(error = %Chain(&error), "the fleet can't be read");
                return self.lease.times().renew_every;
            }
            Err(_) => {
                tracing::warn!("the fleet can't be read: the registry does not answer");
                return HURRY;
            }
        };
        let (times, answered_at) = (self.lease.times(), self.lease.now());
        self.observer
            .observe(&times, asked_at, answered_at, &self.fleet);
        self.obey_operator();
        self.pace();
        let actions = decide(&Situation {
            me: self.connector.me,
            shards: self.connector.shards(),
            fleet: &self.fleet,
            observer: &self.observer,
            held: &self.tenants.held(),
            accepting,
            draining: self.draining_since.is_some(),
            hurried: self
                .draining_since
                .is_some_and(|since| since.elapsed() >= DRAIN_PATIENCE),
            ready: self.connector.status.is_settled() && self.connector.pacing.is_idle(),
            alone: self.heart.is_none(),
        });
        let changed = self.act(actions).await;
        self.connector.status.looked();
        self.tidy().await;
        self.pause(changed)
    }

    /// Whether this connector takes shards now.
    async fn accepts(&mut self) -> bool {
        let out_of_reach = self.doctor.out_of_reach().await;
        let cut_off = !out_of_reach.is_empty();
        if cut_off {
            if self.unwell_until.is_none() {
                tracing::error!(?out_of_reach, "cut off; others may have the shards");
            }
            self.unwell_until = Some(Instant::now() + CONVALESCENCE);
        }
        self.connector.health.set_cut_off(cut_off);
        if self
            .unwell_until
            .is_some_and(|until| until <= Instant::now())
        {
            tracing::info!("everything is in reach again");
            self.unwell_until = None;
        }
        self.unwell_until.is_none() && !self.drain.is_cancelled()
    }

    fn obey_operator(&self) {
        let mine = self.fleet.connector(self.connector.me);
        if mine.is_some_and(|row| row.drain_requested) && !self.drain.is_cancelled() {
            tracing::info!("an operator wants this connector to drain");
            self.drain.cancel();
        }
    }

    /// Removes the rows of the dead, once nothing is in their name. Should one of them live, its
    /// next renewal brings its row back.
    async fn tidy(&self) {
        let named = |id| self.fleet.shards.iter().any(|row| row.owner == Some(id));
        let registry = &self.connector.seams.registry;
        for row in &self.fleet.connectors {
            if self.observer.expired(row.id) && row.id != self.connector.me && !named(row.id) {
                match timeout(REGISTRY_TIMEOUT, registry.remove_connector(row.id)).await {
                    Ok(Ok(())) => tracing::info!(connector = %row.id, "dead connector removed"),
                    Ok(Err(error)) => {
                        tracing::warn!(error = %Chain(&error), "dead connector not removed");
                    }
                    Err(_) => {}
                }
            }
        }
    }

    /// Shares the fleet's logins among those who live.
    fn pace(&self) {
        let live = |id: ConnectorId| id == self.connector.me || !self.observer.expired(id);
        let rows = self.fleet.connectors.iter();
        let live = rows.filter(|row| live(row.id)).count().max(1);
        let options = &self.connector.options;
        let share = options.fleet_logins_per_second / u32::try_from(live).unwrap_or(u32::MAX);
        self.connector
            .pacing
            .set_rate(options.logins_per_second.min(share).max(1));
    }

    fn pause(&mut self, changed: bool) -> Duration {
        let me = self.connector.me;
        let waiting =
            |row: &pombal_domain::ShardRow| row.wanted_by == Some(me) && row.owner != Some(me);
        if self.fleet.shards.iter().any(waiting) {
            self.waiting_since.get_or_insert_with(Instant::now);
        } else {
            self.waiting_since = None;
        }
        let waits = self
            .waiting_since
            .is_some_and(|since| since.elapsed() < REQUEST_PATIENCE);
        let pause = if changed {
            AFTER_ACTING
        } else if waits || self.draining_since.is_some() || self.tenants.any_leaving() {
            HURRY
        } else if self.heart.is_none() {
            ALONE
        } else {
            self.lease.times().renew_every
        };
        match self.tenants.next_pause_end() {
            Some(end) => pause.min(end.saturating_duration_since(Instant::now())),
            None => pause,
        }
    }

    /// A shard's task has ended.
    fn ended(&mut self, ended: Ended) {
        let Ended {
            shard,
            epoch,
            result,
            served,
        } = ended;
        let status = &self.connector.status;
        let Some(tenant) = self.tenants.all.get_mut(&shard) else {
            return;
        };
        debug_assert_eq!(tenant.epoch, epoch, "one task per shard");
        if let Err(error) = &result {
            tracing::error!(
                event = "shard.lost", %shard, %epoch, error = %Chain(error), "shard down"
            );
            if matches!(error, shard::Error::Fenced | shard::Error::Lapsed) {
                status.lost();
            }
        }
        let lapsed = matches!(result, Err(shard::Error::Lapsed));
        match tenant.phase {
            phase if lapsed || phase == Phase::Dropped => {
                self.forget(shard);
            }
            Phase::Running if result.is_err() => {
                status.down(shard);
                let until = Instant::now() + self.tenants.pause(shard, served);
                if let Some(tenant) = self.tenants.all.get_mut(&shard) {
                    tenant.enter(Phase::Paused { until });
                }
            }
            // Its phase goes on from when it began to close.
            _ => tenant.phase = Phase::Closed,
        }
    }

    /// The shard is of no concern any more.
    pub(super) fn forget(&mut self, shard: ShardId) -> Option<Tenant> {
        self.connector.status.gone(shard);
        self.connector.health.forget(shard);
        self.tenants.all.remove(&shard)
    }

    /// Whether a drain is over: nothing is held, and no row names us any more. When the lease
    /// has lapsed, rows can't be released: others will see that by themselves.
    fn is_done(&self) -> bool {
        let me = self.connector.me;
        let named = || self.fleet.shards.iter().any(|row| row.owner == Some(me));
        self.draining_since.is_some()
            && self.tenants.all.is_empty()
            && (!self.lease.holds() || !named())
    }

    /// Leaves the fleet.
    async fn leave(self) {
        let connector = self.connector;
        // No beat may come after it.
        drop(self.heart);
        let removed = connector.seams.registry.remove_connector(connector.me);
        match timeout(REGISTRY_TIMEOUT, removed).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = %Chain(&error), "row not removed"),
            Err(_) => tracing::warn!("row not removed: the registry does not answer"),
        }
    }
}

/// Takes this connector's place in the fleet.
async fn begin(connector: &Connector) -> Result<(Arc<Lease>, Option<Heart>), Error> {
    let alone = connector.options.lease.is_none();
    let lease = match connector.options.lease {
        Some(times) => Lease::new(times),
        None => Lease::for_ever(),
    };
    let pulse = Pulse {
        me: connector.me,
        registry: connector.seams.registry.clone(),
        lease: Arc::clone(&lease),
        status: connector.status.clone(),
        started_at: UnixMs::now(),
    };
    if !alone {
        return Ok((lease, Some(Heart::start(pulse))));
    }
    // So that people see who owns everything, and not who did.
    pulse.write(0, true).await.map_err(Error::Registry)?;
    forget_all_others(connector)
        .await
        .map_err(Error::Registry)?;
    Ok((lease, None))
}

async fn forget_all_others(connector: &Connector) -> Result<(), registry::Error> {
    let registry = &connector.seams.registry;
    for row in registry.fleet().await?.connectors {
        if row.id != connector.me {
            registry.remove_connector(row.id).await?;
        }
    }
    Ok(())
}
