//! Whose lease is over, by one observer's own clock.

use std::collections::{BTreeMap, BTreeSet};

use pombal_domain::{ConnectorId, Fleet, Rvn};

use crate::lease::{LeaseTimes, Moment};

/// Watches the leases of all connectors.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Observer {
    pub(crate) seen: BTreeMap<ConnectorId, Seen>,
    /// When the last look was answered.
    pub(crate) looked_at: Option<Moment>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    /// None: it has no row.
    pub(crate) rvn: Option<Rvn>,
    /// When the first look that showed this `rvn` was answered.
    pub(crate) since: Moment,
    pub(crate) expired: bool,
}

impl Observer {
    /// An observer that has seen nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            seen: BTreeMap::new(),
            looked_at: None,
        }
    }

    /// Notes what a consistent read of the fleet showed that began at `asked_at` and was
    /// answered at `answered_at`.
    ///
    /// The row was as seen at some time between these two. So a lease has been unchanged for
    /// at least the time from the first answer that showed it to the latest question.
    pub fn observe(
        &mut self,
        times: &LeaseTimes,
        asked_at: Moment,
        answered_at: Moment,
        fleet: &Fleet,
    ) {
        if self
            .looked_at
            .is_some_and(|last| answered_at.since(last) > times.longest_gap())
        {
            // Whatever kept us from looking, a stopped process or a registry that is down, may
            // have kept the others from renewing: they get their time from now on. A look that
            // took long is no better than one that failed.
            self.seen.clear();
        }
        self.looked_at = Some(answered_at);
        let mut now_seen = BTreeMap::new();
        for id in known(fleet) {
            let rvn = fleet.connector(id).map(|row| row.rvn);
            let seen = match self.seen.remove(&id) {
                Some(before) if before.rvn == rvn => Seen {
                    expired: before.expired || asked_at.since(before.since) >= times.expires_after,
                    ..before
                },
                _ => Seen {
                    rvn,
                    since: answered_at,
                    expired: false,
                },
            };
            now_seen.insert(id, seen);
        }
        self.seen = now_seen;
    }

    /// Whether the lease of this connector was over when the fleet was last looked at.
    #[must_use]
    pub fn expired(&self, id: ConnectorId) -> bool {
        self.seen.get(&id).is_some_and(|seen| seen.expired)
    }
}

impl Default for Observer {
    fn default() -> Self {
        Self::new()
    }
}

/// Everybody with a row, or with a shard, once.
fn known(fleet: &Fleet) -> BTreeSet<ConnectorId> {
    let rows = fleet.connectors.iter().map(|row| row.id);
    let owners = fleet.shards.iter().filter_map(|row| row.owner);
    rows.chain(owners).collect()
}

#[cfg(test)]
mod tests;
