//! `cargo xtask deploy-check`: what other people's linters say of the template.
//!
//! The rules that are ours are tests of the crate `tests/template`.

use std::path::PathBuf;
use std::process::Command;
use std::{fs, io};

use super::sam;
use crate::aws_local::Aws;
use crate::command::{cargo, root, run};
use crate::python::Tools;

/// By itself: it pins other versions than SAM does, and is large.
const CHECKOV: Tools = Tools {
    name: "checkov",
    requirements: include_str!("checkov.txt"),
    needed: "the template is checked with checkov",
};

/// Every check of the template.
pub(crate) fn run_all() -> Result<(), String> {
    lint()?;
    checkov()?;
    run(&mut cargo(&["test", "--locked", "-p", "pombal-template"]))
}

/// SAM's validation and `cfn-lint`.
pub(crate) fn lint() -> Result<(), String> {
    let mut validate = sam::sam(&["validate", "--lint", "--template-file", "template.yaml"])?;
    // It wants a region, and asks nobody.
    validate.env("AWS_REGION", Aws::REGION);
    run(&mut validate)?;
    let mut lint = Command::new(sam::SAM.ready()?.join("cfn-lint"));
    // Its settings are in .cfnlintrc.yaml.
    run(lint.args(templates()?).current_dir(root()))
}

/// Its settings, and why what is skipped is skipped, are in .checkov.yaml.
fn checkov() -> Result<(), String> {
    let mut command = Command::new(CHECKOV.ready()?.join("checkov"));
    command
        .args(["--config-file", ".checkov.yaml", "--file"])
        .args(templates()?);
    run(command.current_dir(root()))
}

/// `template.yaml` and everything in `infra/`, by paths from the root.
fn templates() -> Result<Vec<PathBuf>, String> {
    let nested = || -> io::Result<Vec<PathBuf>> {
        fs::read_dir(root().join("infra"))?
            .map(|entry| Ok(PathBuf::from("infra").join(entry?.file_name())))
            .collect()
    };
    let mut nested = nested().map_err(|error| format!("infra: {error}"))?;
    nested.retain(|path| path.extension().is_some_and(|kind| kind == "yaml"));
    nested.push(PathBuf::from("template.yaml"));
    nested.sort();
    Ok(nested)
}
