//! What the scenarios need from npm: Baileys, an independent client of WhatsApp, and a node of
//! n8n, a client of Evolution API.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::command::{root, run, say};

/// The folders with a lock file, from the root.
pub(crate) const FOLDERS: [&str; 2] = ["tests/baileys", "tests/clients/n8n"];
/// Baileys' own limit (its package's `engines`).
const OLDEST_NODE: u32 = 20;
/// A copy of the lock file beside what was installed from it. `npm ci` begins by removing
/// `node_modules`, so a copy is the mark of an installation that went through.
const STAMP: &str = "node_modules/.installed-from.json";

/// Installs what the lock files say, unless that is there already. No package may run a script.
pub(crate) fn install() -> Result<(), String> {
    check_node(&node_version()?)?;
    FOLDERS.into_iter().try_for_each(install_in)
}

fn install_in(name: &str) -> Result<(), String> {
    let folder = root().join(name);
    let lock = folder.join("package-lock.json");
    let wanted = fs::read(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
    let stamp = folder.join(STAMP);
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        say(&format!("{name} is installed already"));
        return Ok(());
    }
    npm_ci(&folder)?;
    fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))
}

fn npm_ci(folder: &Path) -> Result<(), String> {
    let mut command = Command::new("npm");
    command.args(["ci", "--ignore-scripts"]).current_dir(folder);
    run(&mut command).map_err(|error| {
        format!(
            "{error}\nnpm needs its registry to install {}",
            folder.display()
        )
    })
}

fn node_version() -> Result<String, String> {
    let output = Command::new("node")
        .arg("--version")
        .output()
        .map_err(|error| {
            format!(
                "the scenarios need Node.js {OLDEST_NODE} or newer with npm, and \
                 `node` can't be run: {error}"
            )
        })?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn check_node(version: &str) -> Result<(), String> {
    let major = version
        .strip_prefix('v')
        .and_then(|numbers| numbers.split('.').next())
        .and_then(|major| major.parse::<u32>().ok());
    match major {
        Some(major) if major >= OLDEST_NODE => Ok(()),
        _ => Err(format!(
            "the scenarios need Node.js {OLDEST_NODE} or newer; this is {version:?}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_or_strange_node_is_refused() {
        for good in ["v20.20.2", "v24.0.0"] {
            assert_eq!(check_node(good), Ok(()));
        }
        for bad in ["v18.19.0", "", "node", "v"] {
            assert!(check_node(bad).is_err(), "{bad}");
        }
    }
}
