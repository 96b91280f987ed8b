//! The Python environment with the emulator.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{run, target, works};

/// Every package of the environment, with its version and the hashes of its files.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The emulator's program, installed first if need be.
pub(super) fn ready() -> Result<PathBuf, String> {
    let dir = target().join("aws-local");
    let installed = dir.join("installed.txt");
    let program = dir.join("python").join("bin").join("ministack");
    if fs::read_to_string(&installed).is_ok_and(|text| text == REQUIREMENTS) {
        return Ok(program);
    }
    install(&dir)?;
    // Last: it says that everything before it is there.
    write(&installed, REQUIREMENTS)?;
    Ok(program)
}

fn install(dir: &Path) -> Result<(), String> {
    if !works(Command::new("python3").args(["-c", "import venv, ensurepip"])) {
        return Err(
            "the AWS adapters are tested against ministack, which needs Python 3 with venv: \
             install python3 and python3-venv, or set AWS_ENDPOINT_URL to another emulator"
                .to_owned(),
        );
    }
    fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let requirements = dir.join("requirements.txt");
    write(&requirements, REQUIREMENTS)?;
    let python = dir.join("python");
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&python))?;
    run(Command::new(python.join("bin").join("python"))
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args([
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--requirement",
        ])
        .arg(&requirements))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
