//! A child process that is killed in the middle of its work, to see what stays.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the child works.
const PLACE: &str = "POMBAL_STORE_TEST_PLACE";

/// What the child's place is; none in a test that is not the child.
pub(crate) fn place() -> Option<PathBuf> {
    std::env::var_os(PLACE).map(PathBuf::from)
}

/// The child reports something that must last from now on.
pub(crate) fn report(done: &str) {
    println!("did {done}");
}

/// Runs the ignored test `name` of this binary in a process of its own, kills it (SIGKILL)
/// after `reports` reports, and returns every report that it got out.
pub(crate) fn run_and_kill(name: &str, place: &Path, reports: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env(PLACE, place)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut found = Vec::new();
    let mut line = String::new();
    while output.read_line(&mut line).unwrap() > 0 {
        // A line that the kill cut off is no report.
        if let Some((_, report)) = line
            .strip_suffix('\n')
            .and_then(|line| line.split_once("did "))
        {
            found.push(report.to_owned());
            if found.len() == reports {
                child.kill().unwrap();
            }
        }
        line.clear();
    }
    let status = child.wait().unwrap();
    assert!(
        found.len() >= reports && !status.success(),
        "{name} ended by itself: {found:?}"
    );
    found
}
