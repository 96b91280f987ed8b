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
    shards: BTreeMap<ShardId, Shard>,
}

/// How a shard is.
enum Shard {
    Opening,
    Serving(Census),
    Down,
    Damaged,
    Released,
}

/// What a connector says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Why it does not serve everything that it should. None: it does.
    pub reason: Option<String>,
    /// Shards that it should serve.
    pub shards: usize,
    /// Those of them that it serves.
    pub serving: usize,
    /// Instances that it looks after.
    pub instances: usize,
    /// Those of them that are open.
    pub open: usize,
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
        }
    }

    /// The connector runs from now on, until `drain`, on these shards.
    pub(crate) fn runs(&self, shards: impl Iterator<Item = ShardId>, drain: CancellationToken) {
        let mut known = self.known();
        known.shards = shards.map(|shard| (shard, Shard::Opening)).collect();
        known.drain = Some(drain);
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

    /// The shard was drained.
    pub(crate) fn released(&self, shard: ShardId) {
        self.set(shard, Shard::Released);
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
            None => return Some("starting".to_owned()),
            Some(drain) if drain.is_cancelled() => return Some("draining".to_owned()),
            Some(_) => {}
        }
        self.shards.iter().find_map(|(shard, state)| {
            let is = match state {
                Shard::Serving(_) => return None,
                Shard::Opening => "is being opened",
                Shard::Down => "is down; it is opened again",
                Shard::Damaged => "is damaged; it stays closed",
                Shard::Released => "was released",
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
        status.runs([ShardId(0), ShardId(1)].into_iter(), drain.clone());
        status.serving(ShardId(0), Census::default());
        let report = status.report();
        assert_eq!((report.shards, report.serving), (2, 1));
        assert_eq!(report.reason.as_deref(), Some("shard 1 is being opened"));
        status.serving(ShardId(1), Census::default());
        assert_eq!(status.report().reason, None);
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
