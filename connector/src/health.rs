//! Whether this process reaches what it needs.
//!
//! A connector that is cut off from the object store or the queues, and not from the registry,
//! keeps its lease and serves nobody. It has to find that out by itself, and let others have
//! its shards.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use pombal_domain::ShardId;
use pombal_store::Queue;
use pombal_store::queue::{self, Receipt};
use tokio::time::{Instant, timeout};

/// Failures that last so long are looked into.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest wait for the answer to a probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(4);

/// Something that works, or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Concern {
    /// The session database of this shard.
    Sessions(ShardId),
    /// Receiving the commands of this shard.
    Commands(ShardId),
}

/// What fails at present, and since when. A cheap clone of one list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    failing: Mutex<HashMap<Concern, Instant>>,
    cut_off: AtomicBool,
}

impl Health {
    /// It has just failed.
    pub(crate) fn failed(&self, concern: Concern) {
        self.failing().entry(concern).or_insert_with(Instant::now);
    }

    /// It has just worked, or is no concern any more.
    pub(crate) fn fine(&self, concern: Concern) {
        self.failing().remove(&concern);
    }

    /// The shard is no concern any more.
    pub(crate) fn forget(&self, shard: ShardId) {
        self.fine(Concern::Sessions(shard));
        self.fine(Concern::Commands(shard));
    }

    /// Something that every shard needs is out of reach, or is not any more.
    pub(crate) fn set_cut_off(&self, cut_off: bool) {
        self.0.cut_off.store(cut_off, Ordering::Relaxed);
    }

    /// Whether something that every shard needs is out of reach: closing in order is no use.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.0.cut_off.load(Ordering::Relaxed)
    }

    /// What has failed for long enough to be looked into.
    fn lasting(&self) -> Vec<Concern> {
        let failing = self.failing();
        let lasting = failing.iter().filter(|(_, at)| at.elapsed() >= PATIENCE);
        lasting.map(|(concern, _)| *concern).collect()
    }

    fn failing(&self) -> MutexGuard<'_, HashMap<Concern, Instant>> {
        let failing = self.0.failing.lock();
        failing.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells a connector that is cut off from one that only has a broken shard.
pub(crate) struct Doctor {
    health: Health,
    sessions: Arc<dyn ObjectStore>,
    sessions_root: String,
    events: Arc<dyn Queue>,
    /// What was found out of reach by the last check.
    out_of_reach: Vec<&'static str>,
}

impl Doctor {
    pub(crate) fn new(
        health: Health,
        sessions: Arc<dyn ObjectStore>,
        sessions_root: &str,
        events: Arc<dyn Queue>,
    ) -> Self {
        Self {
            health,
            sessions,
            sessions_root: sessions_root.to_owned(),
            events,
            out_of_reach: Vec::new(),
        }
    }

    /// What is out of reach now. It asks only when something has failed for long, or was out
    /// of reach when it last asked.
    pub(crate) async fn out_of_reach(&mut self) -> &[&'static str] {
        const SESSIONS: &str = "the object store";
        const QUEUES: &str = "the queues";
        let lasting = self.health.lasting();
        let suspect = |what, concerns: fn(&Concern) -> bool, before: &[&str]| {
            before.contains(&what) || lasting.iter().any(concerns)
        };
        let sessions = suspect(
            SESSIONS,
            |concern| matches!(concern, Concern::Sessions(_)),
            &self.out_of_reach,
        );
        let queues = suspect(
            QUEUES,
            |concern| matches!(concern, Concern::Commands(_)),
            &self.out_of_reach,
        );
        let (sessions, queues) = tokio::join!(
            async { sessions && !self.reaches_sessions().await },
            async { queues && !self.reaches_queues().await },
        );
        self.out_of_reach.clear();
        self.out_of_reach.extend(sessions.then_some(SESSIONS));
        self.out_of_reach.extend(queues.then_some(QUEUES));
        &self.out_of_reach
    }

    /// Any answer will do, also that there is no such object.
    async fn reaches_sessions(&self) -> bool {
        let nothing = Path::from(format!("{}/probe", self.sessions_root));
        match timeout(PROBE_TIMEOUT, self.sessions.head(&nothing)).await {
            Ok(answer) => matches!(answer, Ok(_) | Err(object_store::Error::NotFound { .. })),
            Err(_) => false,
        }
    }

    /// Asks for something harmless that touches no message.
    async fn reaches_queues(&self) -> bool {
        let nothing = Receipt("probe".to_owned());
        match timeout(PROBE_TIMEOUT, self.events.extend(&nothing, Duration::ZERO)).await {
            Ok(answer) => matches!(answer, Ok(()) | Err(queue::Error::ReceiptExpired)),
            Err(_) => false,
        }
    }
}
