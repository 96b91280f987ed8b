//! Rounds, in which everybody takes its turn, but for what it is cut off from.

use super::config::Config;
use super::peer::Effect;
use super::steps::Step;
use super::world::World;
use crate::placement::Action;

/// What a connector can't do for now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct CutOff {
    /// Anything.
    pub(super) stopped: bool,
    /// Renew, look, or change anything in the registry.
    pub(super) registry: bool,
    /// Open session databases, and commit to them.
    pub(super) store: bool,
}

impl World {
    /// One turn of a connector: it renews, looks, does what it decides, and goes on with each of
    /// its shards.
    pub(super) fn turn(&mut self, config: &Config, me: usize, cut_off: CutOff) {
        if self.peers[me].is_none() || cut_off.stopped {
            return;
        }
        if !cut_off.registry {
            self.renew_now(config, me);
            // After an action that changed something it looks again.
            for _ in 0..3 {
                if self.peers[me].is_some() {
                    self.decide_now(config, me);
                }
            }
        }
        self.go_on(config, me, cut_off);
    }

    fn renew_now(&mut self, config: &Config, me: usize) {
        let peer = self.peer(me);
        if peer.renewing.is_none() {
            self.take(config, Step::Renew(me));
        }
        let mine = self.post.iter().filter(|renewal| renewal.from == me);
        for renewal in mine.copied().collect::<Vec<_>>() {
            self.take(config, Step::Deliver(renewal));
        }
        self.take(config, Step::Answer(me));
    }

    fn decide_now(&mut self, config: &Config, me: usize) {
        // What was decided before a pause, first.
        while !self.peer(me).to_do.is_empty() {
            self.take(config, Step::Perform(me));
        }
        self.take(config, Step::Look(me));
        while let Some(action) = self.peer(me).to_do.front() {
            if let Action::HandOver { shard } = action {
                let shard = *shard;
                self.finish(config, me, |of| of == shard);
            }
            self.take(config, Step::Perform(me));
        }
        if self.steps(config).contains(&Step::End(me)) {
            self.take(config, Step::End(me));
        }
    }

    /// Does what the lease was checked for, for some shards.
    fn finish(&mut self, config: &Config, me: usize, of: impl Fn(pombal_domain::ShardId) -> bool) {
        let open = self.peer(me).open.clone();
        for open in open.iter().filter(|open| of(open.shard)) {
            self.take(config, Step::Reach(me, open.shard, open.epoch));
        }
    }

    /// Goes on with each shard, as far as it gets.
    fn go_on(&mut self, config: &Config, me: usize, cut_off: CutOff) {
        for _ in 0..3 {
            let Some(peer) = self.peers[me].clone() else {
                return;
            };
            for open in &peer.open {
                let pending = open.pending.or_else(|| {
                    let may = peer.may_act(config, open.term);
                    may.then(|| peer.next_effect(open)).flatten()
                });
                match pending {
                    Some(Effect::OpenSocket) => {}
                    Some(_) if !cut_off.store => {}
                    _ => continue,
                }
                if open.pending.is_none() {
                    self.take(config, Step::Check(me, open.shard));
                }
                self.take(config, Step::Reach(me, open.shard, open.epoch));
            }
        }
    }

    /// Rounds without faults.
    pub(super) fn calm(&mut self, config: &Config, rounds: usize) {
        for _ in 0..rounds {
            self.take(config, Step::TickAll);
            for me in 0..config.peers {
                self.turn(config, me, CutOff::default());
            }
        }
    }
}
