//! The scenarios that hold on AWS as well, on the deployed template: real functions behind the
//! HTTP API, real event sources, connectors beside it.

use std::path::PathBuf;

use crate::aws_local::{Aws, FEATURES};
use crate::command::{cargo, run as run_command, works};
use crate::{binaries, deploy, functions};

/// Which scenarios. Those of other modules are about the one process, its files or its flags, as
/// are those in which instances change shards; `aws::fleet` has these for connectors.
/// Of these, one is about the terminal, one waits a minute for what has nothing to do with AWS,
/// and one needs what the emulator lacks: it hands out the next batch of a queue when the last
/// is done, where AWS works on many groups at once.
const SCENARIOS: &str = "package(pombal-scenarios) \
     and test(/^((pairing|texts|connection|refusals|webhooks)::|kill::kills_)/) \
     and not test(the_terminal_shows) and not test(codes_that_nobody_scans) \
     and not test(a_hanging_endpoint)";

/// Kills of a connector, unless the environment says otherwise. Each waits for a lease, and the
/// fleet's scenarios kill as well.
const KILL_ROUNDS: (&str, &str) = ("POMBAL_KILL_ROUNDS", "4");

/// What is deployed.
pub(crate) struct Deployed {
    /// The connector's binary.
    pub(crate) connector: PathBuf,
    /// The packaged template, which names the functions.
    pub(crate) template: PathBuf,
}

/// `cargo xtask deployed`.
pub(crate) fn run() -> Result<(), String> {
    let (_, connector) = binaries::demo_and_connector(false)?;
    functions::run(&[])?;
    let aws = Aws::start()?;
    let template = deploy::package(&aws)?;
    Deployed {
        connector,
        template,
    }
    .test(&aws)
}

impl Deployed {
    /// Runs the scenarios, each on a stack of its own. Needs cargo-nextest, whose filters tell
    /// them apart.
    pub(crate) fn test(&self, aws: &Aws) -> Result<(), String> {
        if !works(&mut cargo(&["nextest", "--version"])) {
            return Err("cargo-nextest is not installed: the deployment is not tested".to_owned());
        }
        let mut command = cargo(&["nextest", "run", "--profile", "deployed", "--workspace"]);
        command
            .args(["--locked", "--features", FEATURES, "-E", SCENARIOS])
            .env("POMBAL_SCENARIOS_ON", "aws")
            .env("POMBAL_CONNECTOR_BIN", &self.connector)
            .env("POMBAL_PACKAGED_TEMPLATE", &self.template);
        let (name, rounds) = KILL_ROUNDS;
        if std::env::var_os(name).is_none() {
            command.env(name, rounds);
        }
        aws.tell(&mut command);
        run_command(&mut command)
    }
}
