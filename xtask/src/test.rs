//! Builds everything and runs every test.

use crate::binaries;
use crate::command::{cargo, say, works};
use crate::deployed::Deployed;
use crate::{aws_local, clients, deploy, functions, image, licences, lint, npm, openapi};

/// All tests, or those that match `filters`.
pub(crate) fn run(filters: &[String]) -> Result<(), String> {
    lint::format()?;
    licences::check()?;
    deploy::lint()?;
    npm::install()?;
    let schemathesis = openapi::schemathesis()?;
    let python = clients::python()?;
    let (demo, connector) = binaries::demo_and_connector(false)?;
    let production = binaries::production(false)?;
    functions::run(&[])?;
    let aws = aws_local::Aws::start()?;
    let template = deploy::package(&aws)?;
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
        .env("POMBAL_CONNECTOR_BIN", &connector)
        .env("POMBAL_SCHEMATHESIS", &schemathesis)
        .env("POMBAL_CLIENTS_PYTHON", &python)
        .env("POMBAL_PACKAGED_TEMPLATE", &template);
    aws.tell(&mut command);
    let tests = crate::command::run(&mut command);
    if !filters.is_empty() {
        return tests;
    }
    // Each has its say, whatever the one before it found.
    let deployed = Deployed {
        connector,
        template,
    }
    .test(&aws);
    let image = image::run_if_possible(&aws);
    tests.and(deployed).and(image)
}
