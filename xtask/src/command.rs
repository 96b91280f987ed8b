//! Runs commands from the workspace's root.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The directory that Cargo builds in.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// `cargo` with these arguments, and with the environment that it has in a shell.
///
/// Cargo tells this program which package it is of. Build scripts that ask for the same (that of
/// `ring` does) take that for a change, and all that hangs on them would be built anew whenever
/// somebody changes between `cargo xtask` and `cargo`.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(args).current_dir(root());
    for (name, _) in std::env::vars_os() {
        if is_about_this_package(&name) {
            command.env_remove(name);
        }
    }
    command
}

/// Whether Cargo sets this variable for a program that it runs, because of its package.
/// <https://doc.rust-lang.org/cargo/reference/environment-variables.html>
fn is_about_this_package(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

/// Runs a command, showing it first.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    say(&format!("$ {}", line(command)));
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{}: {status}", line(command))),
        Err(error) => Err(format!("{}: {error}", line(command))),
    }
}

/// Whether a command can be run at all.
pub(crate) fn works(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// The search path with `first` before everything else.
pub(crate) fn path_with(first: &Path) -> Result<OsString, String> {
    let old = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(first.to_owned()).chain(std::env::split_paths(&old));
    std::env::join_paths(all).map_err(|error| format!("PATH: {error}"))
}

#[expect(clippy::print_stderr, reason = "for the person at the terminal")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}

fn line(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default();
    let mut line = program.to_string_lossy().into_owned();
    for arg in command.get_args() {
        line.push(' ');
        line.push_str(&arg.to_string_lossy());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cargo has set them for this test, too.
    #[test]
    fn cargo_is_not_told_about_this_package() {
        let command = cargo(&["build"]);
        for name in [
            "CARGO_MANIFEST_DIR",
            "CARGO_PKG_NAME",
            "CARGO_PKG_VERSION_PRE",
        ] {
            assert!(std::env::var_os(name).is_some(), "{name}");
            let mut removed = command.get_envs();
            assert!(removed.any(|env| env == (OsStr::new(name), None)), "{name}");
        }
        assert!(!is_about_this_package(OsStr::new("CARGO_TARGET_DIR")));
    }
}
