//! Everybody takes its turns, in any order, and at any time something goes wrong: does every
//! shard get an owner again, in fair shares, and does the fleet come to rest?

use std::hash::Hash;

use stateright::{Checker, HasDiscoveries, Model, Property};

use super::config::{Config, times};
use super::rounds::CutOff;
use super::steps::Step;
use super::world::World;

/// Rounds in which something can go wrong.
const ROUGH: u32 = 4;
/// How long somebody is cut off: longer than a lease.
const CUT_OFF: u32 = 6;
/// Rounds until all is well again: the cut, an expiry, and the moves.
const ROUNDS: u32 = ROUGH + CUT_OFF + 14;
/// Rounds at the end in which nothing may change any more.
const REST: u32 = 4;

const SETTLES: &str = "every shard is run in the end, in fair shares, and nothing moves";
const SAFE: &str = "nothing happens that must not";
const KEEPS: &str = "who lives through an outage keeps its shards";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Crash(usize),
    Drain(usize),
    Stop(usize),
    NoRegistry(usize),
    NoStore(usize),
    Outage,
}

/// A round: what goes wrong in it, and who is the first to take its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Turn {
    fault: Option<Fault>,
    first: usize,
}

#[derive(Debug, Clone, PartialEq, Hash)]
struct Round {
    world: World,
    number: u32,
    faults: u32,
    cut_off: Vec<(CutOff, u32)>,
    changed_in: u32,
    /// Shards that were taken from a connector whose process lives.
    robbed: u32,
}

struct Fair {
    config: Config,
    faults: u32,
    only_outages: bool,
}

impl Fair {
    fn possible(&self, round: &Round) -> Vec<Fault> {
        if round.number >= ROUGH || round.faults == self.faults {
            return Vec::new();
        }
        let mut possible = vec![Fault::Outage];
        if self.only_outages {
            return possible;
        }
        let takers = round.world.living().filter(|peer| !peer.draining).count();
        for peer in round.world.living() {
            let me = peer.me;
            possible.extend([Fault::Stop(me), Fault::NoRegistry(me), Fault::NoStore(me)]);
            // Somebody has to be left.
            if takers > 1 && !peer.draining {
                possible.extend([Fault::Crash(me), Fault::Drain(me)]);
            }
        }
        possible
    }

    fn go_wrong(&self, round: &mut Round, fault: Fault) {
        round.faults += 1;
        let until = round.number + CUT_OFF;
        let Round { world, cut_off, .. } = round;
        match fault {
            Fault::Crash(me) => world.peers[me] = None,
            Fault::Drain(me) => world.peer(me).draining = true,
            Fault::Stop(me) => (cut_off[me].0.stopped, cut_off[me].1) = (true, until),
            Fault::NoRegistry(me) => (cut_off[me].0.registry, cut_off[me].1) = (true, until),
            Fault::NoStore(me) => (cut_off[me].0.store, cut_off[me].1) = (true, until),
            Fault::Outage => {
                for cut_off in cut_off {
                    (cut_off.0.registry, cut_off.1) = (true, until);
                }
            }
        }
    }
}

impl Model for Fair {
    type State = Round;
    type Action = Turn;

    fn init_states(&self) -> Vec<Round> {
        let begin = |world| Round {
            world,
            number: 0,
            faults: 0,
            cut_off: vec![(CutOff::default(), 0); self.config.peers],
            changed_in: 0,
            robbed: 0,
        };
        let fresh = World::new(&self.config);
        let mut running = fresh.clone();
        running.calm(&self.config, 8);
        vec![begin(fresh), begin(running)]
    }

    fn actions(&self, round: &Round, turns: &mut Vec<Turn>) {
        if round.number == ROUNDS {
            return;
        }
        let mut faults = vec![None];
        faults.extend(self.possible(round).into_iter().map(Some));
        for fault in faults {
            turns.extend((0..self.config.peers).map(|first| Turn { fault, first }));
        }
    }

    fn next_state(&self, round: &Round, turn: Turn) -> Option<Round> {
        let mut next = round.clone();
        if let Some(fault) = turn.fault {
            self.go_wrong(&mut next, fault);
        }
        next.number += 1;
        next.world.take(&self.config, Step::TickAll);
        for n in 0..self.config.peers {
            let me = (turn.first + n) % self.config.peers;
            if next.cut_off[me].1 <= next.number {
                next.cut_off[me] = Default::default();
            }
            let cut_off = next.cut_off[me].0;
            next.world.turn(&self.config, me, cut_off);
        }
        if next.world.registry.shards != round.world.registry.shards {
            next.changed_in = next.number;
        }
        next.robbed = next.world.robbed;
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::eventually(SETTLES, |fair: &Self, round: &Round| {
                round.number == ROUNDS
                    && round.changed_in + REST <= ROUNDS
                    && round.world.is_settled(&fair.config)
            }),
            Property::always(SAFE, |_, round: &Round| round.world.violation.is_none()),
            Property::always(KEEPS, |fair: &Self, round: &Round| {
                !fair.only_outages || round.robbed == 0
            }),
        ]
    }
}

fn check(fair: Fair) -> Vec<&'static str> {
    let checker = fair
        .checker()
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_dfs()
        .join();
    assert!(checker.max_depth() > 3, "nothing was searched");
    checker.discoveries().into_keys().collect()
}

/// Two connectors and three shards, or the like, with a lease of four ticks.
fn fleet(peers: usize, shards: u16, faults: u32) -> Fair {
    Fair {
        config: Config::new(peers, shards, times(1, 3, 4)),
        faults,
        only_outages: false,
    }
}

#[test]
fn two_connectors_settle_after_two_faults() {
    assert_eq!(check(fleet(2, 3, 2)), [] as [&str; 0]);
}

#[test]
fn three_connectors_settle_after_a_fault() {
    assert_eq!(check(fleet(3, 4, 1)), [] as [&str; 0]);
}

#[test]
#[ignore = "for the night"]
fn nightly_three_connectors_settle_after_two_faults() {
    assert_eq!(check(fleet(3, 4, 2)), [] as [&str; 0]);
}

#[test]
fn who_lives_through_an_outage_keeps_its_shards() {
    let fair = Fair {
        only_outages: true,
        ..fleet(3, 3, 1)
    };
    assert_eq!(check(fair), [] as [&str; 0]);
}

#[test]
fn without_the_rule_of_gaps_an_outage_moves_shards() {
    let mut fair = Fair {
        only_outages: true,
        ..fleet(2, 2, 1)
    };
    // Every look counts, however old the one before.
    fair.config.judging = times(1000, 3, 4);
    assert_eq!(check(fair), [KEEPS]);
}

#[test]
fn an_expiry_that_nobody_finds_leaves_shards_alone() {
    let mut fair = fleet(2, 2, 1);
    fair.config.judging = times(1, 3, 1000);
    assert_eq!(check(fair), [SETTLES]);
}
