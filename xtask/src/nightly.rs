//! The tests whose strength is in their length, at length.

use crate::command::{cargo, run};
use crate::{aws_local, binaries};

/// How long each of them runs at night, as the tests read it.
const LENGTHS: [(&str, &str); 5] = [
    ("POMBAL_KILL_ROUNDS", "100"),
    ("POMBAL_MOVE_ROUNDS", "100"),
    ("POMBAL_CHAOS_SEEDS", "128"),
    ("POMBAL_CHAOS_STEPS", "256"),
    ("POMBAL_FAULT_ROUNDS", "25"),
];
/// The tests: kills under traffic, bad days of AWS, and those that are left out by day.
const FILTER: &str = "test(kills_under_traffic) or test(moves_and_kills_under_traffic) or test(/nightly/) or test(/_on_a_bad_day$/)";

/// Runs them. Variables that are set already keep their value: to repeat a seed, for example.
pub(crate) fn run_all() -> Result<(), String> {
    let demo = binaries::demo(false)?;
    let production = binaries::production(false)?;
    let aws = aws_local::Aws::start()?;
    let mut command = cargo(&[
        "nextest",
        "run",
        "--workspace",
        "--locked",
        "--profile",
        "nightly",
        "--features",
        aws_local::FEATURES,
        "--run-ignored",
        "all",
        "-E",
        FILTER,
    ]);
    command
        .env("POMBAL_DEMO_BIN", demo)
        .env("POMBAL_BIN", production);
    aws.tell(&mut command);
    for (name, value) in LENGTHS {
        if std::env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
    run(&mut command)
}
