//! The connector's image: a static binary in an image of nothing else, built and tried.

mod binary;

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::aws_local::{Aws, FEATURES};
use crate::command::{cargo, root, run as run_command, say, target, works};
use binary::Arch;

/// What the image is called.
const NAME: &str = "localhost/pombal-connector";
/// The test that tries it. It is ignored elsewhere: only here there is an image.
const TRIAL: &str = "aws::image::";

/// Builds the image and, where this machine can run it, tries it.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let mut arch = Arch::native()?;
    let mut release = true;
    for arg in args {
        match arg.as_str() {
            "--debug" => release = false,
            "--arm64" => arch = Arch::Arm64,
            "--amd64" => arch = Arch::Amd64,
            other => return Err(format!("no option {other}: --debug, --arm64 or --amd64")),
        }
    }
    if !has_podman() {
        return Err("images are built by podman: install podman and runc".to_owned());
    }
    let image = build(arch, release)?;
    if arch != Arch::native()? {
        say(&format!("{image} is for another machine: not tried"));
        return Ok(());
    }
    try_out(&image, &Aws::start()?)
}

/// The same with a debug build, where podman is installed.
pub(crate) fn run_if_possible(aws: &Aws) -> Result<(), String> {
    if !has_podman() {
        say("podman is not installed: the connector's image is neither built nor tried");
        return Ok(());
    }
    try_out(&build(Arch::native()?, false)?, aws)
}

fn has_podman() -> bool {
    works(Command::new("podman").arg("--version"))
}

/// Builds binary and image, and returns the image's name.
fn build(arch: Arch, release: bool) -> Result<String, String> {
    let binary = binary::build(arch, release)?;
    // A directory with nothing but the binary: it is all that the builder gets to see.
    let context = target().join("image").join(arch.name());
    copy(&binary, &context)?;
    let image = format!("{NAME}:{}", arch.name());
    // Without a network of its own and in a plain chroot, it builds inside containers too.
    let isolated = ["--isolation", "chroot", "--network", "host"];
    let mut command = Command::new("podman");
    command
        .arg("build")
        .args(isolated)
        .args(["--format", "docker", "--platform"])
        .arg(format!("linux/{}", arch.name()))
        .args(["--tag", &image, "--file"])
        .arg(root().join("infra").join("Dockerfile"))
        .arg(&context);
    run_command(&mut command)?;
    Ok(image)
}

fn copy(binary: &Path, context: &Path) -> Result<(), String> {
    fs::create_dir_all(context)
        .and_then(|()| fs::copy(binary, context.join("pombal-connector")).map(drop))
        .map_err(|error| format!("{}: {error}", context.display()))
}

/// Starts it as the task definition does, and looks whether it serves.
fn try_out(image: &str, aws: &Aws) -> Result<(), String> {
    // The same selection as for all tests: nothing is built twice.
    let mut command = cargo(&["test", "--workspace", "--locked", "--features"]);
    command
        .args([FEATURES, "--test", "it"])
        .args([TRIAL, "--", "--ignored", "--nocapture"])
        .env("POMBAL_CONNECTOR_IMAGE", image);
    aws.tell(&mut command);
    run_command(&mut command)
}
