//! What a connector is doing, for whoever looks after it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pombal_domain::{InstanceId, ShardId};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::instance::Link;

/// Looks at a connector from outside. A cheap clone that outlives it.
#[derive(Clone, Default)]
pub struct Status(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    /// Cancelled when the connector drains. None before it runs.
    drain: Option<CancellationToken>,
    /// It has looked at the fleet at least once.
    looked: bool,
    /// It has no lease at present.
    lapsed: bool,
    /// Those that it owns.
    shards: BTreeMap<ShardId, Shard>,
    takeovers: u64,
    losses: u64,
}

/// How a shard is.
enum Shard {
    Opening,
    Serving(Census),
    Down,
    Damaged,
}

/// What a connector says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Why it does not serve everything that it should. None: it does.
    pub reason: Option<String>,
    /// Shards that it owns.
    pub shards: usize,
    /// Those of them that it serves.
    pub serving: usize,
    /// Instances that it looks after.
    pub instances: usize,
    /// Those of them that are open.
    pub open: usize,
    /// Shards that it has taken since it started.
    pub takeovers: u64,
    /// Shards that it has lost: another had taken them, or its lease was over.
    pub losses: u64,
}

impl Status {
    /// What the connector is doing now.
    #[must_use]
    pub fn report(&self) -> Report {
        let known = self.known();
        let counted = known.shards.values().filter_map(|shard| match shard {
            Shard::Serving(census) => Some(census.count()),
            _ => None,
        });
        let (serving, instances, open) = counted.fold((0, 0, 0), |sum, (instances, open)| {
            (sum.0 + 1, sum.1 + instances, sum.2 + open)
        });
        Report {
            reason: known.reason(),
            shards: known.shards.len(),
            serving,
            instances,
            open,
            takeovers: known.takeovers,
            losses: known.losses,
        }
    }

    /// The connector runs from now on, until `drain`.
    pub(crate) fn runs(&self, drain: CancellationToken) {
        self.known().drain = Some(drain);
    }

    /// It has looked at the fleet, and taken what it can take.
    pub(crate) fn looked(&self) {
        let mut known = self.known();
        known.looked = true;
        known.lapsed = false;
    }

    /// It has no lease.
    pub(crate) fn lapsed(&self) {
        self.known().lapsed = true;
    }

    /// The shard was taken.
    pub(crate) fn opening(&self, shard: ShardId) {
        self.known().takeovers += 1;
        self.set(shard, Shard::Opening);
    }

    /// The shard is open; `census` knows who lives there.
    pub(crate) fn serving(&self, shard: ShardId, census: Census) {
        self.set(shard, Shard::Serving(census));
    }

    /// The shard has failed. It is opened again after a pause.
    pub(crate) fn down(&self, shard: ShardId) {
        self.set(shard, Shard::Down);
    }

    /// The shard is damaged, and stays closed until a restart.
    pub(crate) fn damaged(&self, shard: ShardId) {
        self.set(shard, Shard::Damaged);
    }

    /// The shard is not this connector's any more.
    pub(crate) fn gone(&self, shard: ShardId) {
        self.known().shards.remove(&shard);
    }

    /// A shard's right to act has ended before it was given away.
    pub(crate) fn lost(&self) {
        self.known().losses += 1;
    }

    /// Whether everything that it owns is served, or can't be.
    pub(crate) fn is_settled(&self) -> bool {
        let settled = |shard: &Shard| matches!(shard, Shard::Serving(_) | Shard::Damaged);
        self.known().shards.values().all(settled)
    }

    fn set(&self, shard: ShardId, now: Shard) {
        self.known().shards.insert(shard, now);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn reason(&self) -> Option<String> {
        match &self.drain {
            Some(drain) if drain.is_cancelled() => return Some("draining".to_owned()),
            Some(_) if self.lapsed => return Some("it has no lease".to_owned()),
            Some(_) if self.looked => {}
            _ => return Some("starting".to_owned()),
        }
        self.shards.iter().find_map(|(shard, state)| {
            let is = match state {
                Shard::Serving(_) => return None,
                Shard::Opening => "is being opened",
                Shard::Down => "is down; it is opened again",
                Shard::Damaged => "is damaged; it stays closed",
            };
            Some(format!("shard {shard} {is}"))
        })
    }
}

/// The supervisors of a shard and their connections. A cheap clone of one list.
#[derive(Clone, Default)]
pub(crate) struct Census(Arc<Mutex<HashMap<InstanceId, Live>>>);

type Live = watch::Receiver<Option<Link>>;

impl Census {
    /// A supervisor has started; `live` closes when it ends.
    pub(crate) fn enter(&self, id: InstanceId, live: Live) {
        self.list().insert(id, live);
    }

    /// Supervisors, and connections that are open.
    fn count(&self) -> (usize, usize) {
        let mut list = self.list();
        list.retain(|_, live| live.has_changed().is_ok());
        let open = list.values().filter(|live| live.borrow().is_some()).count();
        (list.len(), open)
    }

    fn list(&self) -> MutexGuard<'_, HashMap<InstanceId, Live>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_serves_when_every_shard_does() {
        let status = Status::default();
        assert_eq!(status.report().reason.as_deref(), Some("starting"));
        let drain = CancellationToken::new();
        status.runs(drain.clone());
        assert_eq!(status.report().reason.as_deref(), Some("starting"));
        status.opening(ShardId(0));
        status.opening(ShardId(1));
        status.looked();
        status.serving(ShardId(0), Census::default());
        let report = status.report();
        assert_eq!((report.shards, report.serving), (2, 1));
        assert_eq!(report.reason.as_deref(), Some("shard 1 is being opened"));
        status.serving(ShardId(1), Census::default());
        assert_eq!(status.report().reason, None);
        assert!(status.is_settled());
        status.lapsed();
        assert!(status.report().reason.unwrap().contains("no lease"));
        status.looked();
        status.down(ShardId(0));
        assert!(status.report().reason.unwrap().contains("shard 0 is down"));
        status.damaged(ShardId(0));
        assert!(status.report().reason.unwrap().contains("damaged"));
        drain.cancel();
        assert_eq!(status.report().reason.as_deref(), Some("draining"));
    }

    #[test]
    fn supervisors_count_while_they_live() {
        let census = Census::default();
        let (gone, live) = watch::channel(None);
        census.enter(InstanceId::random(), live);
        let (_stays, live) = watch::channel(None);
        census.enter(InstanceId::random(), live);
        assert_eq!(census.count(), (2, 0));
        drop(gone);
        assert_eq!(census.count(), (1, 0));
    }
}
