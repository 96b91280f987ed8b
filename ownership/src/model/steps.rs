//! The steps that connectors, clocks and the network take.

use pombal_domain::{Epoch, ShardId};

use super::config::{Config, at};
use super::peer::{Effect, Peer};
use super::registry::{Renewal, number};
use super::world::{ROBBED, World};
use crate::placement::{Action, Held, OldOwner};

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Time passes on one clock.
    Tick(usize),
    /// Time passes on all clocks.
    TickAll,
    /// A renewal is sent.
    Renew(usize),
    /// A renewal is written.
    Deliver(Renewal),
    /// A renewal is written, and is still on its way: it will be written again.
    Repeat(Renewal),
    /// The answer to a renewal arrives.
    Answer(usize),
    /// A renewal is not waited for any more. It may still be written.
    GiveUp(usize),
    /// The fleet is read, and a decision is made.
    Look(usize),
    /// The next thing that was decided is done.
    Perform(usize),
    /// It is done, and the connector is not told.
    PerformUntold(usize),
    /// The lease is checked for what comes next for a shard.
    Check(usize, ShardId),
    /// What the lease was checked for is done.
    Reach(usize, ShardId, Epoch),
    /// A session database dies; the connector gives the shard up.
    LoseDatabase(usize, ShardId),
    /// A connector is killed.
    Crash(usize),
    /// A connector is told to drain.
    Drain(usize),
    /// A drained connector removes its row and ends.
    End(usize),
}

impl Step {
    /// Whether this is a fault, of which there are so many.
    fn is_fault(self) -> bool {
        matches!(
            self,
            Self::Repeat(_)
                | Self::GiveUp(_)
                | Self::PerformUntold(_)
                | Self::LoseDatabase(..)
                | Self::Crash(_)
                | Self::Drain(_)
        )
    }
}

impl World {
    /// All steps that can be taken now.
    pub(super) fn steps(&self, config: &Config) -> Vec<Step> {
        let mut steps = Vec::new();
        for peer in self.living() {
            self.steps_of(config, peer, &mut steps);
        }
        for renewal in &self.post {
            steps.extend([Step::Deliver(*renewal), Step::Repeat(*renewal)]);
        }
        if config.drift == 0 {
            steps.push(Step::TickAll);
        } else {
            let last = self.living().map(|peer| peer.clock).min();
            let may_tick = |peer: &&Peer| last.is_some_and(|last| peer.clock < last + config.drift);
            let ticking = self.living().filter(may_tick);
            steps.extend(ticking.map(|peer| Step::Tick(peer.me)));
        }
        steps.retain(|step| self.faults > 0 || !step.is_fault());
        steps
    }

    fn steps_of(&self, config: &Config, peer: &Peer, steps: &mut Vec<Step>) {
        let me = peer.me;
        let renewed_now = peer.lease.fence_at() == Some(config.fencing.fence_at(at(peer.clock)));
        match peer.renewing {
            None if renewed_now => {}
            None => steps.push(Step::Renew(me)),
            Some((.., false)) => steps.push(Step::GiveUp(me)),
            Some((.., true)) => steps.extend([Step::Answer(me), Step::GiveUp(me)]),
        }
        match peer.to_do.front() {
            None => steps.push(Step::Look(me)),
            // It is closed in order: after what is under way.
            Some(Action::HandOver { shard }) if has_pending(peer, *shard) => {}
            Some(action) => {
                steps.push(Step::Perform(me));
                if !matches!(action, Action::HandOver { .. } | Action::Drop { .. }) {
                    steps.push(Step::PerformUntold(me));
                }
            }
        }
        for open in &peer.open {
            if config.effects && peer.may_act(config, open.term) && peer.next_effect(open).is_some()
            {
                steps.push(Step::Check(me, open.shard));
            }
            if open.pending.is_some() {
                steps.push(Step::Reach(me, open.shard, open.epoch));
            }
            if open.database || !config.effects {
                steps.push(Step::LoseDatabase(me, open.shard));
            }
        }
        steps.push(Step::Crash(me));
        if !peer.draining {
            steps.push(Step::Drain(me));
        } else if self.has_nothing(peer) {
            steps.push(Step::End(me));
        }
    }

    /// Whether a drained connector can end.
    fn has_nothing(&self, peer: &Peer) -> bool {
        let mut shards = self.registry.shards.iter();
        let owns = shards.any(|row| row.owner.map(number) == Some(peer.me));
        peer.held.is_empty() && peer.open.is_empty() && !owns
    }

    /// Takes a step that can be taken.
    pub(super) fn take(&mut self, config: &Config, step: Step) {
        if step.is_fault() {
            self.faults -= 1;
        }
        match step {
            Step::TickAll => {
                for peer in self.peers.iter_mut().flatten() {
                    peer.tick(config);
                }
            }
            Step::Tick(me) => self.peer(me).tick(config),
            Step::Renew(me) => self.send_renewal(me),
            Step::Deliver(renewal) => {
                self.post.remove(&renewal);
                self.deliver(config, renewal);
            }
            Step::Repeat(renewal) => self.deliver(config, renewal),
            Step::Answer(me) => {
                let peer = self.peer(me);
                if let Some((began, ..)) = peer.renewing.take() {
                    peer.lease.renewed(at(began), at(peer.clock));
                }
            }
            Step::GiveUp(me) => self.peer(me).renewing = None,
            Step::Look(me) => {
                let Self {
                    registry, peers, ..
                } = self;
                let peer = peers[me].as_mut();
                peer.expect("it lives").look(config, registry);
            }
            Step::Perform(me) => self.perform(config, me, true),
            Step::PerformUntold(me) => self.perform(config, me, false),
            Step::Check(me, shard) => self.check(me, shard),
            Step::Reach(me, shard, epoch) => self.reach(config, me, shard, epoch),
            Step::LoseDatabase(me, shard) => self.peer(me).cut(shard),
            Step::Crash(me) => self.peers[me] = None,
            Step::Drain(me) => self.peer(me).draining = true,
            Step::End(me) => {
                self.peers[me] = None;
                self.registry.rows[me] = None;
            }
        }
        if config.renewals_in_order {
            for peer in self.peers.iter_mut().flatten() {
                peer.forget_what_is_stale(config, &self.registry);
            }
        }
    }

    pub(super) fn peer(&mut self, me: usize) -> &mut Peer {
        self.peers[me].as_mut().expect("it lives")
    }

    fn send_renewal(&mut self, me: usize) {
        let number = self.next;
        self.next += 1;
        let peer = self.peer(me);
        peer.renewing = Some((peer.clock, number, false));
        let accepting = !peer.draining;
        self.post.insert(Renewal {
            from: me,
            number,
            accepting,
        });
    }

    fn deliver(&mut self, config: &Config, renewal: Renewal) {
        self.registry.renew(config, renewal);
        let newest = self.registry.rows[renewal.from];
        if config.renewals_in_order {
            // They change nothing any more.
            let is_late = |other: &Renewal| newest.is_some_and(|row| row.number > other.number);
            self.post
                .retain(|other| other.from != renewal.from || !is_late(other));
        }
        let peer = self.peers[renewal.from].as_mut();
        if let Some((_, number, answered)) = peer.and_then(|peer| peer.renewing.as_mut()) {
            *answered |= *number == renewal.number;
        }
    }

    fn perform(&mut self, config: &Config, me: usize, told: bool) {
        let Some(action) = self.peer(me).to_do.pop_front() else {
            return;
        };
        match action {
            Action::Take { seen, old } => {
                let Some(epoch) = self.registry.take(config, me, &seen, old) else {
                    return;
                };
                if let OldOwner::Expired { id, .. } = old {
                    self.rob(number(id));
                }
                if told {
                    self.peer(me).took(seen.shard, epoch);
                }
            }
            Action::Request { seen } => {
                self.registry.wish(&seen, Some(me));
            }
            Action::Refuse { seen } => {
                self.registry.wish(&seen, None);
            }
            Action::Release { seen } => {
                if self.registry.release(&seen) && told {
                    self.peer(me).cut(seen.shard);
                }
            }
            Action::HandOver { shard } => {
                let peer = self.peer(me);
                // The lease may have run out since.
                let Some(epoch) = peer.held.get(&shard).map(|held| held.epoch()) else {
                    return;
                };
                peer.cut(shard);
                peer.held.insert(shard, Held::Closed(epoch));
            }
            Action::Drop { shard } => self.peer(me).cut(shard),
        }
    }

    /// A shard is taken from this connector.
    fn rob(&mut self, owner: usize) {
        let Some(peer) = &self.peers[owner] else {
            return;
        };
        self.robbed += 1;
        if peer.lease.term(at(peer.clock)).is_some() {
            self.violation = Some(ROBBED);
        }
    }

    fn check(&mut self, me: usize, shard: ShardId) {
        let peer = self.peer(me);
        let of = |n: &usize| peer.open[*n].shard == shard && !peer.open[*n].cut;
        let Some(n) = (0..peer.open.len()).find(of) else {
            return;
        };
        let Some(effect) = peer.next_effect(&peer.open[n]) else {
            return;
        };
        let open = &mut peer.open[n];
        open.pending = Some(effect);
        let epoch = open.epoch;
        self.checked(me, shard, epoch, effect);
    }

    fn reach(&mut self, config: &Config, me: usize, shard: ShardId, epoch: Epoch) {
        let peer = self.peer(me);
        let mut opened = peer.open.iter_mut();
        let Some(open) = opened.find(|open| open.shard == shard && open.epoch == epoch) else {
            return;
        };
        let Some(effect) = open.pending.take() else {
            return;
        };
        if !open.cut {
            match effect {
                Effect::OpenDatabase => open.database = true,
                Effect::OpenSocket => open.socket = true,
                Effect::Write => {}
            }
        }
        let is_stray = open.cut && effect == Effect::Write;
        peer.forget_what_is_done();
        self.strays += u32::from(is_stray);
        if !self.reached(config, me, shard, epoch, effect) {
            // Another has opened the session database. If the shard is given up already, what
            // was taken since is another matter.
            let peer = self.peer(me);
            if peer.held.get(&shard).map(|held| held.epoch()) == Some(epoch) {
                peer.cut(shard);
            }
        }
    }
}

fn has_pending(peer: &Peer, shard: ShardId) -> bool {
    let mut open = peer.open.iter();
    open.any(|open| open.shard == shard && open.pending.is_some())
}
