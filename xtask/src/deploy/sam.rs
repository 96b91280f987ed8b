//! AWS SAM's command line.

use std::path::PathBuf;
use std::process::Command;
use std::{fs, io};

use crate::aws_local::Aws;
use crate::command::{root, run, say, target};
use crate::python::Tools;

/// The functions, each with its program in `target/lambda/<name>/bootstrap`, where
/// `template.yaml` expects it.
const FUNCTIONS: [&str; 3] = ["api", "delivery", "janitor"];

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
    check_functions()?;
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

/// Fails when a function has not been built. SAM would only say that a folder is missing.
pub(super) fn check_functions() -> Result<(), String> {
    let missing = |name: &&str| -> bool {
        let program = root().join("target/lambda").join(name).join("bootstrap");
        let found: io::Result<_> = fs::metadata(program);
        !found.is_ok_and(|file| file.is_file())
    };
    match FUNCTIONS.iter().find(|name| missing(name)) {
        Some(name) => Err(format!(
            "target/lambda/{name}/bootstrap is missing: run `cargo xtask functions` first"
        )),
        None => Ok(()),
    }
}
