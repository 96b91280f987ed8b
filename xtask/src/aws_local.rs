//! AWS on this machine, without an account: `ministack`, a Python program, in an environment of
//! its own below `target/`.

mod emulator;

use std::process::Command;

use crate::command::{cargo, run as run_command, say, works};
use crate::python::Tools;
use emulator::Emulator;

/// Names another AWS than the emulator.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// The packages with tests that need AWS, and the features that build these.
pub(crate) const FEATURES: &str = "pombal-store/aws-conformance,pombal-sessions/aws-conformance,\
                                   pombal-control-plane/aws-conformance,\
                                   pombal-connector/aws-conformance";

/// These packages.
const PACKAGES: [&str; 4] = [
    "pombal-store",
    "pombal-sessions",
    "pombal-control-plane",
    "pombal-connector",
];

/// The emulator, with the transform that makes functions and event sources of `template.yaml`.
const MINISTACK: Tools = Tools {
    name: "aws-local",
    requirements: include_str!("aws_local/requirements.txt"),
    needed: "the AWS adapters are tested against ministack (or what AWS_ENDPOINT_URL names)",
};

/// How the names of these tests begin.
const TESTS: &str = "aws::";

/// What tests talk to while this is alive.
pub(crate) struct Aws {
    endpoint: String,
    /// Stopped when dropped.
    emulator: Option<Emulator>,
}

impl Aws {
    /// Where the emulator plays to be.
    pub(crate) const REGION: &str = "us-east-1";

    /// Takes what `AWS_ENDPOINT_URL` names, or starts the emulator.
    pub(crate) fn start() -> Result<Self, String> {
        if std::env::var_os(ENDPOINT).is_some() {
            Self::named()
        } else {
            Self::emulate(0)
        }
    }

    /// Takes what `AWS_ENDPOINT_URL` names.
    pub(crate) fn named() -> Result<Self, String> {
        let endpoint = std::env::var(ENDPOINT).map_err(|error| format!("{ENDPOINT}: {error}"))?;
        say(&format!("AWS is {endpoint}, as {ENDPOINT} says"));
        Ok(Self {
            endpoint,
            emulator: None,
        })
    }

    /// Starts the emulator on a port of the loopback, or on a free one for 0.
    pub(crate) fn emulate(port: u16) -> Result<Self, String> {
        let emulator = Emulator::start(&MINISTACK.ready()?.join("ministack"), port)?;
        say(&format!("AWS is ministack on {}", emulator.endpoint()));
        Ok(Self {
            endpoint: emulator.endpoint().to_owned(),
            emulator: Some(emulator),
        })
    }

    /// Where AWS is.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Waits until the emulator ends.
    pub(crate) fn wait(self) -> Result<(), String> {
        self.emulator.map_or(Ok(()), Emulator::wait)
    }

    /// Tells a command's children where AWS is and who they are. What the environment says
    /// already stays.
    pub(crate) fn tell(&self, command: &mut Command) {
        command.env(ENDPOINT, &self.endpoint);
        for (name, value) in [
            ("AWS_REGION", Self::REGION),
            // What Python's SDK reads.
            ("AWS_DEFAULT_REGION", Self::REGION),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ] {
            if std::env::var_os(name).is_none() {
                command.env(name, value);
            }
        }
    }
}

/// Runs the tests that need AWS, or those of them that match `filters`.
pub(crate) fn run(filters: &[String]) -> Result<(), String> {
    let aws = Aws::start()?;
    let mut command = if works(&mut cargo(&["nextest", "--version"])) {
        cargo(&["nextest", "run"])
    } else {
        cargo(&["test", "--no-fail-fast"])
    };
    for package in PACKAGES {
        command.args(["-p", package]);
    }
    command.args(["--locked", "--features", FEATURES, "--tests"]);
    if filters.is_empty() {
        command.arg(TESTS);
    }
    command.args(filters);
    aws.tell(&mut command);
    run_command(&mut command)
}
