//! Builds everything and runs every test.

use std::process::Command;

use crate::binaries::{self, Binaries};
use crate::command::{cargo, say, works};
use crate::{licences, lint};

/// All tests, or those that match `filters`.
pub(crate) fn run(filters: &[String]) -> Result<(), String> {
    lint::format()?;
    licences::check()?;
    let binaries = binaries::build(false)?;
    run_tests(&binaries, filters)
}

fn run_tests(binaries: &Binaries, filters: &[String]) -> Result<(), String> {
    let features = [
        "--workspace",
        "--locked",
        "--features",
        "pombal-store/conformance",
    ];
    let mut command = if works(&mut cargo(&["nextest", "--version"])) {
        cargo(&["nextest", "run"])
    } else {
        say("cargo-nextest is not installed: taking `cargo test`, which shows less");
        cargo(&["test", "--no-fail-fast", "--lib", "--bins", "--tests"])
    };
    command.args(features).args(filters);
    with(&mut command, binaries);
    crate::command::run(&mut command)
}

/// Tells a command where the binaries are.
pub(crate) fn with<'c>(command: &'c mut Command, binaries: &Binaries) -> &'c mut Command {
    command
        .env("POMBAL_DEMO_BIN", &binaries.demo)
        .env("POMBAL_BIN", &binaries.production)
}
