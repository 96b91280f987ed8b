//! rustfmt and clippy.

use crate::aws_local;
use crate::command::{cargo, run};

/// Fails on a file that rustfmt would change.
pub(crate) fn format() -> Result<(), String> {
    run(&mut cargo(&["fmt", "--all", "--check"]))
}

/// Fails on anything that is not as it should be.
pub(crate) fn run_all() -> Result<(), String> {
    format()?;
    run(&mut cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--features",
        aws_local::FEATURES,
        "--features",
        "pombal-bench/api",
        "--",
        "-D",
        "warnings",
    ]))
}
