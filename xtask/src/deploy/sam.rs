//! AWS SAM's command line.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::aws_local::Aws;
use crate::command::{root, run, say, target};
use crate::functions;
use crate::python::Tools;

/// SAM's command line and `cfn-lint`, which it brings anyway.
pub(super) const SAM: Tools = Tools {
    name: "sam",
    requirements: include_str!("sam.txt"),
    needed: "the template is deployed with AWS SAM's command line",
};

/// `sam` with these arguments, from the workspace's root.
pub(super) fn sam(args: &[&str]) -> Result<Command, String> {
    let mut command = Command::new(SAM.ready()?.join("sam"));
    command
        .args(args)
        .env("SAM_CLI_TELEMETRY", "0")
        .current_dir(root());
    Ok(command)
}

/// Uploads the functions and the nested templates, and returns the template that names the
/// uploads. Any number of stacks can be created from it, with different parameters.
pub(crate) fn package(aws: &Aws) -> Result<PathBuf, String> {
    functions::check_built()?;
    let dir = target().join("deploy");
    fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let packaged = dir.join("packaged.yaml");
    let mut command = sam(&["package", "--resolve-s3", "--no-progressbar"])?;
    command.arg("--output-template-file").arg(&packaged);
    aws.tell(&mut command);
    run(&mut command)?;
    Ok(packaged)
}

/// `cargo xtask package`: packages for what `AWS_ENDPOINT_URL` names, for scenarios run by hand.
pub(crate) fn print_package() -> Result<(), String> {
    let packaged = package(&Aws::named()?)?;
    say(&format!("POMBAL_PACKAGED_TEMPLATE={}", packaged.display()));
    Ok(())
}
