//! The durability rules of `whatsapp-rust` (its `agent_docs/signal_durability.md`), as a
//! seeded state machine over our store: its own cache, adapters and ciphers above, an object
//! store that fails and processes that die below.
//!
//! A small matrix runs always. `POMBAL_CHAOS_SEEDS`, `POMBAL_CHAOS_STEPS` and
//! `POMBAL_CHAOS_SEED` (the first one) are for the big one.

mod inbound;
mod outbound;
mod process;
pub(super) mod signal;
mod world;

use std::time::Duration;

use tokio::time::timeout;

use self::world::World;

const FIRST_SEED: u64 = 0x0F0E_57A7_E51D_0001;
const SEEDS: u64 = 4;
const STEPS: u64 = 100;
const NIGHTLY_SEEDS: u64 = 200;
const NIGHTLY_STEPS: u64 = 500;
/// On tokio's paused clock: longer than every retry, much shorter than forever.
const PATIENCE: Duration = Duration::from_secs(3600);

/// A broken promise, in words.
type Checked<T> = Result<T, String>;

macro_rules! ensure {
    ($condition:expr, $($message:tt)*) => {
        if !$condition {
            return Err(format!($($message)*));
        }
    };
}
pub(crate) use ensure;

fn from_env(name: &str, default: u64) -> u64 {
    let Ok(value) = std::env::var(name) else {
        return default;
    };
    let parsed = match value.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => value.parse(),
    };
    parsed.unwrap_or_else(|error| panic!("{name}={value}: {error}"))
}

async fn run(seed: u64, steps: u64) -> Checked<String> {
    let mut world = World::new(seed).await?;
    for step in 0..steps {
        let action = world.choose();
        let result = match timeout(PATIENCE, Box::pin(world.act(action))).await {
            Ok(result) => result,
            Err(_) => Err("it hangs".to_owned()),
        };
        result.map_err(|why| format!("step {step}, {action:?}: {why}"))?;
    }
    world.finish().await?;
    Ok(world.summary())
}

#[expect(clippy::print_stdout, reason = "what happened, for whoever looks")]
async fn matrix(first: u64, seeds: u64, steps: u64) {
    for n in 0..seeds {
        let seed = first.wrapping_add(n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        match run(seed, steps).await {
            Ok(summary) => println!("seed {seed:#x}: {summary}"),
            Err(why) => panic!(
                "seed {seed:#x}: {why}\nrun it again: POMBAL_CHAOS_SEED={seed:#x} \
                 POMBAL_CHAOS_SEEDS=1 POMBAL_CHAOS_STEPS={steps} cargo nextest run \
                 -p pombal-sessions --run-ignored all --no-capture -E 'test(chaos::nightly)'"
            ),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_key_is_used_twice_and_nothing_acknowledged_is_lost() {
    matrix(FIRST_SEED, SEEDS, STEPS).await;
}

#[tokio::test(start_paused = true)]
#[ignore = "the big matrix, for the night"]
async fn nightly() {
    let seed = from_env("POMBAL_CHAOS_SEED", FIRST_SEED);
    let seeds = from_env("POMBAL_CHAOS_SEEDS", NIGHTLY_SEEDS);
    let steps = from_env("POMBAL_CHAOS_STEPS", NIGHTLY_STEPS);
    matrix(seed, seeds, steps).await;
}
