//! Long random walks of larger fleets: anything goes wrong for a while, then nothing.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::config::{Config, times};
use super::steps::Step;
use super::world::World;

/// What happened on the walks. Without it they prove nothing.
#[derive(Debug, Default)]
struct Seen {
    /// Takings from a connector that lives: stopped, or cut off.
    robbed: u32,
    /// Commits that a session database refused.
    refused: u32,
    /// Writes that got out after their shard was cut.
    strays: u32,
}

/// Who can take no steps for now.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Trouble {
    None,
    Stopped(usize),
    NoRegistry(usize),
}

impl Trouble {
    fn random(rng: &mut StdRng, peers: usize) -> Self {
        let peer = rng.random_range(0..peers);
        match rng.random_range(0..4) {
            0 => Self::Stopped(peer),
            1 => Self::NoRegistry(peer),
            _ => Self::None,
        }
    }

    fn allows(self, step: &Step) -> bool {
        let (peer, is_registry) = match step {
            Step::Renew(me) | Step::Answer(me) | Step::Look(me) | Step::Perform(me) => (*me, true),
            Step::PerformUntold(me) | Step::End(me) => (*me, true),
            Step::Deliver(renewal) | Step::Repeat(renewal) => (renewal.from, true),
            Step::Check(me, _) | Step::Reach(me, ..) | Step::GiveUp(me) => (*me, false),
            _ => return true,
        };
        match self {
            Self::None => true,
            Self::Stopped(stopped) => stopped != peer,
            Self::NoRegistry(apart) => apart != peer || !is_registry,
        }
    }
}

fn config(rng: &mut StdRng) -> Config {
    Config {
        drift: rng.random_range(0..=1),
        faults: rng.random_range(0..40),
        ..Config::new(
            rng.random_range(2..=5),
            rng.random_range(1..=8),
            times(3, 9, 12),
        )
    }
}

/// One step of anybody.
fn step(world: &World, config: &Config, trouble: Trouble, rng: &mut StdRng) -> Step {
    let takers = world.living().filter(|peer| !peer.draining).count();
    let is_rare = |step: &Step| match step {
        Step::Crash(_) | Step::Drain(_) => takers > 1,
        _ => true,
    };
    let mut steps = world.steps(config);
    steps.retain(|step| trouble.allows(step) && is_rare(step));
    let is_tick = |step: &Step| matches!(step, Step::Tick(_) | Step::TickAll);
    let is_grave = |step: &Step| matches!(step, Step::Crash(_) | Step::Drain(_));
    // Much is done in a tick, and few are killed.
    let kind = rng.random_range(0..100);
    let of_kind: Vec<Step> = steps
        .iter()
        .filter(|step| match kind {
            0..8 => is_tick(step),
            8 => is_grave(step),
            _ => !is_tick(step) && !is_grave(step),
        })
        .copied()
        .collect();
    let from = if of_kind.is_empty() { &steps } else { &of_kind };
    from[rng.random_range(0..from.len())]
}

fn check(is_so: bool, what: &str, world: &World) -> Result<(), String> {
    let tell = || format!("{what}\n{:#?}", world.registry);
    is_so.then_some(()).ok_or_else(tell)
}

fn check_safe(world: &World, config: &Config) -> Result<(), String> {
    check(world.actors_are_owners(config), "a stranger acts", world)?;
    match world.violation {
        Some(violation) => check(false, violation, world),
        None => Ok(()),
    }
}

/// Walks on at random, and sees whether all gets well again.
fn walk(seed: u64, steps: usize, seen: &mut Seen) -> Result<(), String> {
    let mut rng = StdRng::seed_from_u64(seed);
    let config = config(&mut rng);
    let mut world = World::new(&config);
    let mut trouble = Trouble::None;
    for n in 0..steps {
        if n % 150 == 0 {
            trouble = Trouble::random(&mut rng, config.peers);
        }
        let step = step(&world, &config, trouble, &mut rng);
        world.take(&config, step);
        check_safe(&world, &config)?;
    }
    seen.robbed += world.robbed;
    seen.refused += world.refused;
    seen.strays += world.strays;

    // An expiry, and then the moves.
    world.calm(&config, 40 + 6 * usize::from(config.shards));
    check(world.is_settled(&config), "not settled", &world)?;
    let has_ended = world.living().all(|peer| !peer.draining);
    check(has_ended, "a drained connector does not end", &world)?;
    let settled = world.registry.shards.clone();
    world.calm(&config, 30);
    check(world.registry.shards == settled, "no rest", &world)?;
    check_safe(&world, &config)
}

fn walks(from: u64, count: u64, steps: usize) {
    let mut seen = Seen::default();
    for seed in from..from + count {
        if let Err(why) = walk(seed, steps, &mut seen) {
            panic!("seed {seed}: {why}");
        }
    }
    let all_seen = seen.robbed > 0 && seen.refused > 0 && seen.strays > 0;
    assert!(all_seen, "too little went wrong: {seen:?}");
}

#[test]
fn whatever_went_wrong_the_fleet_is_safe_and_settles() {
    walks(0, 200, 3000);
}

#[test]
#[ignore = "for the night"]
fn nightly_whatever_went_wrong_the_fleet_is_safe_and_settles() {
    walks(1000, 5_000, 6000);
}
