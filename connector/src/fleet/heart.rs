//! Renews this connector's lease.

use std::sync::Arc;
use std::time::Duration;

use pombal_domain::time::UnixMs;
use pombal_domain::{Chain, ConnectorId, Rvn};
use pombal_store::Registry;
use pombal_store::registry::ConnectorBeat;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::lease::Lease;
use crate::status::Status;

/// Longest wait for one renewal. Three fit in before the fence.
const TIMEOUT: Duration = Duration::from_millis(2_500);
/// Pause after a renewal that failed.
const RETRY: Duration = Duration::from_millis(500);

/// A keeper that has not gone round for so long is stuck: longer than all its requests to the
/// registry take that time out one after the other.
const STUCK: Duration = Duration::from_secs(60);

/// Beats until it is dropped, or its keeper is stuck: who decides nothing any more must not
/// keep others from it.
pub(super) struct Heart {
    accepting: watch::Sender<bool>,
    alive_at: watch::Sender<Instant>,
    _task: AbortOnDropHandle<()>,
}

impl Heart {
    pub(super) fn start(pulse: Pulse) -> Self {
        let (accepting, changes) = watch::channel(true);
        let (alive_at, keeper) = watch::channel(Instant::now());
        let task = tokio::spawn(pulse.beat(changes, keeper));
        Self {
            accepting,
            alive_at,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// The keeper goes round.
    pub(super) fn alive(&self) {
        self.alive_at.send_replace(Instant::now());
    }

    /// Tells the others, at once, whether this connector takes shards.
    pub(super) fn accept(&self, accepting: bool) {
        self.accepting.send_if_modified(|now| {
            let changed = *now != accepting;
            *now = accepting;
            changed
        });
    }
}

/// What is written with each beat.
pub(super) struct Pulse {
    pub(super) me: ConnectorId,
    pub(super) registry: Registry,
    pub(super) lease: Arc<Lease>,
    pub(super) status: Status,
    pub(super) started_at: UnixMs,
}

impl Pulse {
    async fn beat(self, mut accepting: watch::Receiver<bool>, keeper: watch::Receiver<Instant>) {
        for beat in 0.. {
            if keeper.borrow().elapsed() >= STUCK {
                tracing::error!("the keeper of shards is stuck: the lease is not renewed any more");
                return;
            }
            let asked_at = self.lease.now();
            let now = *accepting.borrow_and_update();
            let patience = self.lease.times().renew_every.min(TIMEOUT);
            let pause = match timeout(patience, self.write(beat, now)).await {
                Ok(Ok(())) => {
                    if self.lease.renewed(asked_at) {
                        tracing::info!("lease acquired");
                    }
                    let times = self.lease.times();
                    let since = self.lease.now().since(asked_at);
                    times.renew_every.saturating_sub(since)
                }
                Ok(Err(error)) => {
                    tracing::warn!(error = %Chain(&error), "lease not renewed");
                    RETRY
                }
                Err(_) => {
                    tracing::warn!("lease not renewed: the registry does not answer");
                    RETRY
                }
            };
            tokio::select! {
                () = sleep(pause) => {}
                changed = accepting.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Writes this connector's row with a new record version number, as its `beat`th renewal.
    pub(super) async fn write(
        &self,
        beat: u64,
        accepting: bool,
    ) -> Result<(), pombal_store::registry::Error> {
        let report = self.status.report();
        let beat = ConnectorBeat {
            id: self.me,
            rvn: Rvn::random(),
            beat,
            accepting,
            instances: report.instances as u64,
            open: report.open as u64,
            started_at: self.started_at,
            renewed_at: UnixMs::now(),
        };
        self.registry.renew_connector(&beat).await
    }
}
