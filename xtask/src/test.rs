//! Builds everything and runs every test.

use crate::binaries;
use crate::command::{cargo, say, works};
use crate::{aws_local, deploy, functions, image, licences, lint, npm};

/// All tests, or those that match `filters`.
pub(crate) fn run(filters: &[String]) -> Result<(), String> {
    lint::format()?;
    licences::check()?;
    deploy::lint()?;
    npm::install()?;
    let demo = binaries::demo(false)?;
    let production = binaries::production(false)?;
    functions::run(&[])?;
    let aws = aws_local::Aws::start()?;
    let packaged = deploy::package(&aws)?;
    let features = ["--workspace", "--locked", "--features", aws_local::FEATURES];
    let mut command = if works(&mut cargo(&["nextest", "--version"])) {
        cargo(&["nextest", "run"])
    } else {
        say("cargo-nextest is not installed: taking `cargo test`, which shows less");
        cargo(&["test", "--no-fail-fast", "--lib", "--bins", "--tests"])
    };
    command.args(features).args(filters);
    command
        .env("POMBAL_DEMO_BIN", demo)
        .env("POMBAL_BIN", production)
        .env("POMBAL_PACKAGED_TEMPLATE", packaged);
    aws.tell(&mut command);
    crate::command::run(&mut command)?;
    if filters.is_empty() {
        image::run_if_possible(&aws)?;
    }
    Ok(())
}
