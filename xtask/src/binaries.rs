//! The builds of `pombal`, and of the connector on AWS, that scenarios and benches start.
//!
//! Demo and production are built apart and with `-p`: a feature of one crate in a build holds
//! for the whole build, and the production binary must not have the demo's.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::command::{cargo, run, target};

/// The build that takes the fake server's certificate. `release` for benches.
pub(crate) fn demo(release: bool) -> Result<PathBuf, String> {
    build(release, &["-p", "pombal", "--features", "pombal/demo"])?;
    put_aside(release, "pombal", "pombal-demo")
}

/// The build that ships, alone as people build it: a feature that another crate of the workspace
/// lends it must not be missed first by them.
pub(crate) fn production(release: bool) -> Result<PathBuf, String> {
    build(release, &["-p", "pombal"])?;
    put_aside(release, "pombal", "pombal")
}

/// The connector on AWS, as it takes the fake server's certificate, and [`demo`] with it: what
/// both depend on is compiled once for the two. `release` for benches.
pub(crate) fn demo_and_connector(release: bool) -> Result<(PathBuf, PathBuf), String> {
    let packages = ["-p", "pombal", "-p", "pombal-connector", "--features"];
    let features = "pombal/demo,pombal-connector/aws,pombal-connector/demo";
    build(release, &[packages.as_slice(), &[features]].concat())?;
    Ok((
        put_aside(release, "pombal", "pombal-demo")?,
        put_aside(release, "pombal-connector", "pombal-connector-demo")?,
    ))
}

fn build(release: bool, what: &[&str]) -> Result<(), String> {
    let mut command = cargo(&["build", "--locked", "--bins"]);
    command.args(what);
    if release {
        command.arg("--release");
    }
    run(&mut command)
}

/// Copies a binary from where Cargo leaves it, and where its next build overwrites it.
fn put_aside(release: bool, built: &str, name: &str) -> Result<PathBuf, String> {
    let profile = if release { "release" } else { "debug" };
    let dir = target().join("scenarios").join(profile);
    let to = dir.join(name);
    copy(&target().join(profile).join(built), &dir, &to)
        .map_err(|error| format!("{}: {error}", to.display()))?;
    Ok(to)
}

fn copy(from: &Path, dir: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    // One that still runs, left behind by a test that was killed, can't be written over.
    match fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::copy(from, to).map(drop)
}
