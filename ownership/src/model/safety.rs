//! Every order of steps of a small fleet.

use pombal_domain::ShardId;
use stateright::{Checker, HasDiscoveries, Model, Property};

use super::config::{Config, times};
use super::peer::{Effect, Open};
use super::steps::Step;
use super::world::{ROBBED, STRANGER, TWO_WRITERS, World};

const TWO_LEASED: &str = "two sockets of connectors whose leases hold";
const NOT_OWNER: &str = "a connector may act for a shard that the registry does not give it";
const HANDED_ON: &str = "an event of a second owner is accepted";
const TWO_SOCKETS: &str = "a stopped process will open a socket that another has";

impl Model for Config {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        let mut running = World::new(self);
        running.calm(self, 4);
        let mut states = vec![running];
        if !self.at_rest {
            states.push(World::new(self));
        }
        states
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        steps.extend(world.steps(self));
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut next = world.clone();
        next.take(self, step);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(TWO_WRITERS, |_, w: &World| w.violation != Some(TWO_WRITERS)),
            Property::always(STRANGER, |_, w: &World| w.violation != Some(STRANGER)),
            Property::always(ROBBED, |_, w: &World| w.violation != Some(ROBBED)),
            Property::always(NOT_OWNER, |config: &Self, world: &World| {
                world.actors_are_owners(config)
            }),
            Property::always(TWO_LEASED, |config: &Self, world: &World| {
                let leased = |shard| {
                    let sockets = world.sockets(config, shard);
                    sockets.iter().filter(|is_leased| **is_leased).count()
                };
                (0..config.shards).all(|shard| leased(ShardId(shard)) <= 1)
            }),
            Property::sometimes(TWO_SOCKETS, |config: &Self, world: &World| {
                let stopped = |open: &Open| open.cut && open.pending == Some(Effect::OpenSocket);
                world.living().any(|peer| peer.open.iter().any(stopped))
                    && world.sockets(config, ShardId(0)) == [true]
            }),
            Property::sometimes(HANDED_ON, |_, world: &World| {
                let last = &world.arbiters[0];
                last.published
                    .is_some_and(|(epoch, peer)| epoch.0 > 1 && peer == 1)
            }),
        ]
    }
}

/// What a search through so many states has found, shortest way first; how many different states
/// there were, and whether it was all of them.
struct Found {
    failures: Vec<&'static str>,
    witnesses: Vec<&'static str>,
    different: usize,
}

fn search(config: Config, states: usize) -> Found {
    let is_failure =
        |name: &&str| [TWO_WRITERS, STRANGER, ROBBED, NOT_OWNER, TWO_LEASED].contains(name);
    let checker = config
        .checker()
        .finish_when(HasDiscoveries::AnyFailures)
        .target_state_count(states)
        .spawn_bfs()
        .join();
    let found = checker.discoveries().into_keys();
    let (failures, witnesses) = found.partition(is_failure);
    Found {
        failures,
        witnesses,
        different: checker.unique_state_count(),
    }
}

/// Searches everything that the number of states allows.
fn assert_safe(config: Config, states: usize) {
    let found = search(config, states);
    assert_eq!(found.failures, [] as [&str; 0]);
    assert!(found.different > 10_000, "{} states", found.different);
}

/// Searches everything.
fn assert_proved(config: Config) {
    let found = search(config, usize::MAX);
    assert_eq!(found.failures, [] as [&str; 0]);
    assert!(found.different > 10_000, "{} states", found.different);
}

/// Something is broken on purpose, and the search finds what comes of it.
fn assert_broken(what: &str, config: Config) {
    let at_rest = Config {
        at_rest: true,
        ..config
    };
    let found = search(at_rest, TO_FIND);
    let (failures, states) = (found.failures, found.different);
    assert!(failures.contains(&what), "{failures:?} in {states} states");
}

/// One tick between fence and expiry: enough when all clocks go alike.
fn pair() -> Config {
    Config::new(2, 1, times(1, 2, 3))
}

/// As many ticks between them as the clocks may be apart.
fn pair_with_drift() -> Config {
    Config {
        drift: 1,
        ..Config::new(2, 1, times(1, 2, 4))
    }
}

/// Only who owns what.
fn owners(config: Config) -> Config {
    Config {
        effects: false,
        ..config
    }
}

fn with_faults(faults: u8, config: Config) -> Config {
    Config { faults, ..config }
}

/// So many states by day, repetitions included.
const BY_DAY: usize = 300_000;
/// At most so many where something is to be found.
const TO_FIND: usize = 5_000_000;
/// So many by night: some gigabytes.
const BY_NIGHT: usize = 30_000_000;

#[test]
fn who_acts_is_the_owner_in_all_states_of_two_connectors() {
    assert_proved(owners(pair()));
}

#[test]
fn nobody_writes_or_opens_a_socket_after_another() {
    assert_safe(pair(), BY_DAY);
}

#[test]
fn nor_with_writes_that_are_lost_or_late_or_done_twice_and_connectors_that_end() {
    assert_safe(with_faults(2, pair()), BY_DAY);
}

#[test]
fn nor_with_clocks_that_differ_by_the_margin() {
    assert_safe(pair_with_drift(), BY_DAY);
}

#[test]
fn nor_with_three_connectors_and_two_shards() {
    let config = Config::new(3, 2, times(1, 2, 3));
    assert_safe(with_faults(1, config), BY_DAY);
}

#[test]
fn clocks_that_differ_by_more_than_the_margin_break_it() {
    assert_broken(ROBBED, owners(Config { drift: 1, ..pair() }));
}

#[test]
fn a_fence_after_the_expiry_breaks_it() {
    assert_broken(
        ROBBED,
        Config {
            fencing: times(1, 4, 3),
            ..pair()
        },
    );
}

#[test]
fn taking_without_the_rvn_as_seen_breaks_it() {
    assert_broken(
        ROBBED,
        owners(Config {
            rvn_condition: false,
            ..pair()
        }),
    );
}

#[test]
fn asking_only_whether_the_lease_holds_now_breaks_it() {
    assert_broken(
        NOT_OWNER,
        owners(Config {
            terms: false,
            ..pair()
        }),
    );
}

#[test]
fn session_databases_that_take_commits_of_anybody_break_it() {
    assert_broken(
        TWO_WRITERS,
        Config {
            database_fence: false,
            ..pair()
        },
    );
}

#[test]
#[ignore = "for the night"]
fn nightly_who_acts_is_the_owner_with_a_fault() {
    assert_safe(owners(with_faults(1, pair())), BY_NIGHT);
}

#[test]
#[ignore = "for the night"]
fn nightly_who_acts_is_the_owner_with_clocks_that_differ() {
    assert_safe(owners(pair_with_drift()), BY_NIGHT);
}

#[test]
#[ignore = "for the night"]
fn nightly_two_connectors_and_a_shard() {
    let found = search(pair(), BY_NIGHT);
    assert_eq!(found.failures, [] as [&str; 0]);
    // What the arbiters are for does happen.
    let witnesses: Vec<_> = [HANDED_ON, TWO_SOCKETS].into();
    assert!(witnesses.iter().all(|name| found.witnesses.contains(name)));
}
