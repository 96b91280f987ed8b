//! The two builds of `pombal` that scenarios and benches start.
//!
//! They are built one by one and with `-p`: a feature of one crate in a build holds for the
//! whole build, and the production binary must not have the demo's.

use std::path::PathBuf;
use std::{fs, io};

use crate::command::{cargo, run, target};

/// The build that takes the fake server's certificate. `release` for benches.
pub(crate) fn demo(release: bool) -> Result<PathBuf, String> {
    one(release, "pombal-demo", &["--features", "demo"])
}

/// The build that ships.
pub(crate) fn production(release: bool) -> Result<PathBuf, String> {
    one(release, "pombal", &[])
}

/// Builds one and puts it aside: the next build overwrites it where Cargo leaves it.
fn one(release: bool, name: &str, features: &[&str]) -> Result<PathBuf, String> {
    let profile = if release { "release" } else { "debug" };
    let mut command = cargo(&["build", "--locked", "-p", "pombal", "--bin", "pombal"]);
    command.args(features);
    if release {
        command.arg("--release");
    }
    run(&mut command)?;
    let dir = target().join("scenarios").join(profile);
    let to = dir.join(name);
    let copied: io::Result<()> = fs::create_dir_all(&dir)
        .and_then(|()| fs::copy(target().join(profile).join("pombal"), &to).map(drop));
    copied.map_err(|error| format!("{}: {error}", to.display()))?;
    Ok(to)
}
