//! Tools that are Python packages, each set in an environment of its own below `target/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{run, target, works};

/// A set of packages that belong together.
pub(crate) struct Tools {
    /// The directory below `target/`.
    pub(crate) name: &'static str,
    /// Every package of the environment, with its version and the hashes of its files, as
    /// `pip-compile --generate-hashes --allow-unsafe --strip-extras` writes them.
    pub(crate) requirements: &'static str,
    /// For people without Python: what needs it, and what they can do.
    pub(crate) needed: &'static str,
}

impl Tools {
    /// The directory with the programs, which are installed first if need be.
    pub(crate) fn ready(&self) -> Result<PathBuf, String> {
        let dir = target().join(self.name);
        let installed = dir.join("installed.txt");
        let programs = dir.join("python").join("bin");
        if fs::read_to_string(&installed).is_ok_and(|text| text == self.requirements) {
            return Ok(programs);
        }
        self.install(&dir)?;
        // Last: it says that everything before it is there.
        write(&installed, self.requirements)?;
        Ok(programs)
    }

    fn install(&self, dir: &Path) -> Result<(), String> {
        if !works(Command::new("python3").args(["-c", "import venv, ensurepip"])) {
            return Err(format!(
                "{}, which needs Python 3 with venv: install python3 and python3-venv",
                self.needed
            ));
        }
        fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        let requirements = dir.join("requirements.txt");
        write(&requirements, self.requirements)?;
        let python = dir.join("python");
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&python))?;
        run(Command::new(python.join("bin").join("python"))
            .args(["-m", "pip", "install"])
            .args(["--quiet", "--disable-pip-version-check"])
            // The list is complete: there is nothing to resolve.
            .args(["--no-deps", "--require-hashes", "--only-binary", ":all:"])
            .arg("--requirement")
            .arg(&requirements))
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
