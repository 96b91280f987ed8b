//! Where Node.js and the driver are.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Baileys' own limit (its package's `engines`).
const OLDEST_NODE: u32 = 20;

/// The folder of the driver.
pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../baileys")
}

/// Fails the test, in words, where Node.js or Baileys is missing. These tests are never
/// skipped: a missing client proves nothing.
pub(super) fn require() {
    let said = Command::new("node").arg("--version").output();
    let version = match said {
        Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Err(error) => panic!(
            "the Baileys scenarios need Node.js {OLDEST_NODE} or newer in PATH, and `node` \
             can't be run: {error}"
        ),
    };
    let major = version
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    assert!(
        major.is_some_and(|major| major >= OLDEST_NODE),
        "the Baileys scenarios need Node.js {OLDEST_NODE} or newer; this is {version:?}"
    );
    assert!(
        folder().join("node_modules/baileys").is_dir(),
        "Baileys is not installed: `cargo xtask test` does it, or by hand `npm ci \
         --ignore-scripts` in tests/baileys"
    );
}
