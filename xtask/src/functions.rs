//! What runs on Lambda, where `template.yaml` looks for it: `target/lambda/<name>/bootstrap`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{cargo, path_with, root, run as run_command, say, target};
use crate::python::Tools;

/// The functions, by the names of their binaries.
const NAMES: [&str; 3] = ["api", "delivery", "janitor"];
const PACKAGE: &str = "pombal-control-plane";
const FEATURE: &str = "lambda";
/// What functions have no use for, and would be slow to load with.
const UNWANTED: &str = "libsqlite3-sys";
/// A larger bootstrap takes longer to load than to start.
const MAX_ZIPPED_BYTES: u64 = 12 * 1024 * 1024;

/// Builds for Lambda's own Linux, and for another processor.
const CARGO_LAMBDA: Tools = Tools {
    name: "cargo-lambda",
    requirements: include_str!("functions/requirements.txt"),
    needed: "functions are built for Lambda by cargo-lambda and zig",
};

/// Builds all functions: as debug builds for this machine, or with `--release` as they are
/// deployed, for arm64 unless `--x86-64` is given.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let (mut release, mut x86) = (false, false);
    for arg in args {
        match arg.as_str() {
            "--release" => release = true,
            "--x86-64" => x86 = true,
            other => return Err(format!("functions: no such option: {other}")),
        }
    }
    check_dependencies()?;
    if release {
        return build_for_lambda(x86);
    }
    if x86 {
        return Err("functions: --x86-64 goes with --release".to_owned());
    }
    let programs = build_for_tests()?;
    NAMES
        .iter()
        .try_for_each(|name| put_in_place(&programs, name))
}

/// Fails when a function has not been built.
pub(crate) fn check_built() -> Result<(), String> {
    match NAMES.iter().find(|name| !bootstrap(name).is_file()) {
        Some(name) => Err(format!(
            "target/lambda/{name}/bootstrap is missing: run `cargo xtask functions` first"
        )),
        None => Ok(()),
    }
}

/// Builds a function for this machine as it is deployed, but for the processor. Returns its
/// program.
pub(crate) fn release_here(name: &str) -> Result<PathBuf, String> {
    let mut command = cargo(&["build", "--release", "--locked", "-p", PACKAGE]);
    command.args(["--features", FEATURE, "--bin", name]);
    run_command(&mut command)?;
    Ok(target().join("release").join(name))
}

/// Builds all functions for this machine, as debug builds. Returns the directory with their
/// programs. The other packages are not built, but their features count: what all of them
/// depend on is that of [`crate::binaries::production`], and not compiled again.
fn build_for_tests() -> Result<PathBuf, String> {
    let mut command = cargo(&["build", "--locked", "-p", PACKAGE]);
    command.args(["-p", "pombal", "-p", "pombal-connector", "--features"]);
    command.arg(format!("{PACKAGE}/{FEATURE},pombal-connector/aws"));
    for name in NAMES {
        command.args(["--bin", name]);
    }
    run_command(&mut command)?;
    Ok(target().join("debug"))
}

/// Without symbols: a debug build has hundreds of megabytes of them.
fn put_in_place(programs: &Path, name: &str) -> Result<(), String> {
    let bootstrap = bootstrap(name);
    let dir = bootstrap.parent().unwrap_or(&bootstrap);
    fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    run_command(
        Command::new("strip")
            .arg("-o")
            .arg(&bootstrap)
            .arg(programs.join(name)),
    )
}

fn build_for_lambda(x86: bool) -> Result<(), String> {
    let tools = CARGO_LAMBDA.ready()?;
    let mut command = Command::new(tools.join("cargo-lambda"));
    command.args(["lambda", "build", "--release", "--locked"]);
    command.args(["-p", PACKAGE, "--features", FEATURE]);
    for name in NAMES {
        command.args(["--bin", name]);
    }
    if x86 {
        // This compiler's C library is not newer than Lambda's: no zig is needed.
        command.args(["--x86-64", "--compiler", "cargo"]);
    } else {
        command.arg("--arm64");
    }
    command.arg("--lambda-dir").arg(built());
    command.current_dir(root());
    // Where it finds zig, which is a package of the same environment.
    command.env("PATH", path_with(&tools)?);
    run_command(&mut command)?;
    NAMES.iter().try_for_each(|name| check_size(&tools, name))
}

/// Where the template looks for functions, wherever Cargo builds.
fn built() -> PathBuf {
    root().join("target").join("lambda")
}

fn bootstrap(name: &str) -> PathBuf {
    built().join(name).join("bootstrap")
}

/// Zips a bootstrap as it is uploaded, and fails when that is too large.
fn check_size(tools: &Path, name: &str) -> Result<(), String> {
    let zip = built().join(format!("{name}.zip"));
    run_command(
        Command::new(tools.join("python"))
            .args(["-m", "zipfile", "-c"])
            .arg(&zip)
            .arg(bootstrap(name)),
    )?;
    let bytes = fs::metadata(&zip)
        .map_err(|error| format!("{}: {error}", zip.display()))?
        .len();
    say(&format!("{name}: {bytes} bytes zipped"));
    if bytes > MAX_ZIPPED_BYTES {
        return Err(format!(
            "{name}: {bytes} bytes zipped, more than {MAX_ZIPPED_BYTES}"
        ));
    }
    Ok(())
}

/// Fails when functions would link what only one process with everything needs.
fn check_dependencies() -> Result<(), String> {
    let tree = ["tree", "--locked", "-p", PACKAGE, "--features", FEATURE];
    let output = cargo(&tree)
        .args(["-e", "normal", "--prefix", "none", "--format", "{p}"])
        .output()
        .map_err(|error| format!("cargo tree: {error}"))?;
    let tree = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || tree.is_empty() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cargo tree: {}: {said}", output.status));
    }
    if tree.lines().any(|line| line.starts_with(UNWANTED)) {
        return Err(format!("the functions would link {UNWANTED}"));
    }
    Ok(())
}
