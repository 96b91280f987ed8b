//! `cargo xtask test | aws-local | functions | localstack | package | deploy-check | nightly |
//! lint | image | costs | openapi | bench <name>`: what people and CI run.

mod aws_local;
mod bench;
mod binaries;
mod clients;
mod command;
mod costs;
mod deploy;
mod deployed;
mod functions;
mod image;
mod licences;
mod lint;
mod nightly;
mod npm;
mod openapi;
mod python;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask test [filter…]    build everything and run every test
cargo xtask aws-local         run the tests that need AWS against an emulator
cargo xtask functions         build what runs on Lambda: [--release] [--x86-64]
cargo xtask deployed          deploy template.yaml into an emulator, and run scenarios on it
cargo xtask localstack        deploy template.yaml into an emulator, and stay
cargo xtask package           package template.yaml for what AWS_ENDPOINT_URL names
cargo xtask deploy-check      check template.yaml and infra/
cargo xtask nightly           the long tests, at length: 100 kills, 128 seeds
cargo xtask lint              rustfmt and clippy, without mercy
cargo xtask image             build the connector's image with podman, and try it
cargo xtask openapi           write docs/openapi.json
cargo xtask costs             write what it costs on AWS into docs/OPERATIONS.md
cargo xtask bench <name>      run one bench (pair, text, failover, or all)";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let result = match args.first().map(String::as_str) {
        Some("test") => test::run(&args[1..]),
        Some("aws-local") => aws_local::run(&args[1..]),
        Some("functions") => functions::run(&args[1..]),
        Some("deployed") => deployed::run(),
        Some("localstack") => deploy::run_local(),
        Some("package") => deploy::print_package(),
        Some("deploy-check") => deploy::check(),
        Some("nightly") => nightly::run_all(),
        Some("lint") => lint::run_all(),
        Some("image") => image::run(&args[1..]),
        Some("openapi") => openapi::write(),
        Some("costs") => costs::write_page(),
        Some("bench") => bench::run(&args[1..]),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            command::say(&message);
            ExitCode::FAILURE
        }
    }
}
