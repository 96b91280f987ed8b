//! One connector: what its process knows and has.

use std::collections::{BTreeMap, VecDeque};

use pombal_domain::{Epoch, ShardId};

use super::config::{Config, at};
use super::registry::{Registry, id};
use crate::lease::{Lease, Term};
use crate::observer::Observer;
use crate::placement::{Action, Held, Situation, decide};

/// Something that reaches out. It is done some time after the lease was checked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Effect {
    OpenDatabase,
    OpenSocket,
    /// A commit of the session database, and an event.
    Write,
}

/// What a process has for one taking of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) shard: ShardId,
    pub(super) epoch: Epoch,
    pub(super) term: Term,
    pub(super) database: bool,
    pub(super) socket: bool,
    /// The lease was checked for this, and it is not done yet.
    pub(super) pending: Option<Effect>,
    /// Cut. Only what is pending can still get out.
    pub(super) cut: bool,
}

/// A process. One that has ended is None in the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) me: usize,
    pub(super) clock: u64,
    pub(super) lease: Lease,
    /// The renewal whose answer it waits for: when it began, its number, whether it is answered.
    pub(super) renewing: Option<(u64, u64, bool)>,
    pub(super) observer: Observer,
    /// What it has decided, and not done yet.
    pub(super) to_do: VecDeque<Action>,
    /// The term in which it decided that.
    pub(super) decided_in: Option<Term>,
    pub(super) held: BTreeMap<ShardId, Held>,
    pub(super) open: Vec<Open>,
    pub(super) draining: bool,
    pub(super) hurried: bool,
}

impl Peer {
    pub(super) fn new(config: &Config, me: usize) -> Self {
        Self {
            me,
            clock: 0,
            lease: Lease::new(config.fencing),
            renewing: None,
            observer: Observer::new(),
            to_do: VecDeque::new(),
            decided_in: None,
            held: BTreeMap::new(),
            open: Vec::new(),
            draining: false,
            hurried: false,
        }
    }

    /// Whether the lease allows it to act on what it took in `term`.
    pub(super) fn may_act(&self, config: &Config, term: Term) -> bool {
        let now = at(self.clock);
        if config.terms {
            self.lease.holds(term, now)
        } else {
            self.lease.term(now).is_some()
        }
    }

    /// Looks at the fleet, and decides if its lease holds.
    pub(super) fn look(&mut self, config: &Config, registry: &Registry) {
        let now = at(self.clock);
        let fleet = registry.fleet();
        self.observer.observe(&config.judging, now, now, &fleet);
        self.decided_in = self.lease.term(now);
        if self.decided_in.is_none() {
            return;
        }
        self.to_do = decide(&Situation {
            me: id(self.me),
            shards: config.shards,
            fleet: &fleet,
            observer: &self.observer,
            held: &self.held,
            accepting: !self.draining,
            draining: self.draining,
            hurried: self.hurried,
            ready: true,
            alone: false,
        })
        .into();
    }

    /// A taking is known to be done.
    pub(super) fn took(&mut self, shard: ShardId, epoch: Epoch) {
        let Some(term) = self.decided_in else { return };
        self.held.insert(shard, Held::Running(epoch));
        self.open.push(Open {
            shard,
            epoch,
            term,
            database: false,
            socket: false,
            pending: None,
            cut: false,
        });
    }

    /// Forgets what it has decided and can't be done any more: nothing would happen.
    pub(super) fn forget_what_is_stale(&mut self, config: &Config, registry: &Registry) {
        self.to_do.retain(|action| match action {
            Action::Take { seen, old } => registry.can_take(config, seen, *old),
            _ => true,
        });
    }

    /// Forgets a shard at once.
    pub(super) fn cut(&mut self, shard: ShardId) {
        self.held.remove(&shard);
        for open in self.open.iter_mut().filter(|open| open.shard == shard) {
            (open.cut, open.database, open.socket) = (true, false, false);
        }
        self.forget_what_is_done();
    }

    pub(super) fn forget_what_is_done(&mut self) {
        self.open.retain(|open| !open.cut || open.pending.is_some());
    }

    /// Time passes. What the lease does not hold for any more is cut: a process that is stopped
    /// does so later, but can do nothing else with it before. Without terms it can.
    pub(super) fn tick(&mut self, config: &Config) {
        self.clock += 1;
        // An answer that gives a lease which is over is as good as none.
        let worthless = |(began, _, answered): &mut (u64, u64, bool)| {
            *answered && config.fencing.fence_at(at(*began)) <= at(self.clock)
        };
        self.renewing.take_if(worthless);
        if !config.terms {
            return;
        }
        let open = self.open.iter();
        let lapsed: Vec<ShardId> = open
            .filter(|open| !open.cut && !self.may_act(config, open.term))
            .map(|open| open.shard)
            .collect();
        for shard in lapsed {
            self.cut(shard);
        }
    }

    /// What it does next for a shard that it has.
    pub(super) fn next_effect(&self, open: &Open) -> Option<Effect> {
        let runs = matches!(self.held.get(&open.shard), Some(Held::Running(_)));
        if open.cut || open.pending.is_some() || !runs {
            return None;
        }
        Some(match (open.database, open.socket) {
            (false, _) => Effect::OpenDatabase,
            (true, false) => Effect::OpenSocket,
            (true, true) => Effect::Write,
        })
    }
}
