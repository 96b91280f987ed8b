//! The static binary: linked with musl by zig, which brings a C compiler for every machine.

use std::path::PathBuf;
use std::process::Command;

use crate::command::{cargo, path_with, run, target, works};
use crate::python::Tools;

/// `cargo zigbuild`, and zig below it.
const ZIGBUILD: Tools = Tools {
    name: "zigbuild",
    requirements: include_str!("requirements.txt"),
    needed: "static binaries are linked by cargo-zigbuild",
};

/// A kind of machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arch {
    /// As containers call x86-64.
    Amd64,
    /// As containers call `AArch64`.
    Arm64,
}

impl Arch {
    /// That of this machine.
    pub(super) fn native() -> Result<Self, String> {
        match std::env::consts::ARCH {
            "x86_64" => Ok(Self::Amd64),
            "aarch64" => Ok(Self::Arm64),
            other => Err(format!("there are no images for {other}")),
        }
    }

    /// As images are labelled.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    fn triple(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64-unknown-linux-musl",
            Self::Arm64 => "aarch64-unknown-linux-musl",
        }
    }
}

/// Builds the connector as it ships, and returns where it is.
pub(super) fn build(arch: Arch, release: bool) -> Result<PathBuf, String> {
    let tools = ZIGBUILD.ready()?;
    let triple = arch.triple();
    // Fails without rustup; then the compiler has the target, or says that it has not.
    let _ = works(Command::new("rustup").args(["target", "add", triple]));
    let mut command = cargo(&["zigbuild", "--locked", "--target", triple]);
    command
        .args(["-p", "pombal-connector", "--bin", "pombal-connector"])
        .args(["--features", "aws"])
        .env("PATH", path_with(&tools)?);
    if release {
        command.arg("--release");
    }
    run(&mut command)?;
    let profile = if release { "release" } else { "debug" };
    Ok(target().join(triple).join(profile).join("pombal-connector"))
}
