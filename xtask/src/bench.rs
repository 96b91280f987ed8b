//! Runs benches and turns their results into `docs/BENCHMARKS.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::aws_local::Aws;
use crate::command::{cargo, root, run as run_command, target};
use crate::{binaries, deploy, functions};

/// Every bench, in the order of the page.
const BENCHES: [&str; 6] = ["pair", "text", "failover", "sessions", "api", "fake"];
/// The bench of connectors that share a deployment. Its functions are debug builds: they take no
/// part in what is measured.
const FAILOVER: &str = "failover";
/// The bench of the session store alone. It starts no processes.
const SESSIONS: &str = "sessions";
/// The bench of the function `api`. It starts nothing but that.
const API: &str = "api";
/// The bench of the fake server itself. It has nothing to do with Pombal.
const FAKE: &str = "fake";

/// Runs the benches named, then writes the page from all results there are.
pub(crate) fn run(names: &[String]) -> Result<(), String> {
    let names: Vec<&str> = match names {
        [all] if all == "all" => BENCHES.to_vec(),
        [] => {
            return Err(format!(
                "which bench? one of {}, or all",
                BENCHES.join(", ")
            ));
        }
        names => names.iter().map(String::as_str).collect(),
    };
    if let Some(unknown) = names.iter().find(|name| !BENCHES.contains(name)) {
        return Err(format!(
            "no bench {unknown}; there are {}",
            BENCHES.join(", ")
        ));
    }
    let results = target().join("bench");
    fs::create_dir_all(&results).map_err(|error| format!("{}: {error}", results.display()))?;
    let result = |name: &str| results.join(format!("{name}.json"));
    let ours: Vec<&str> = names.iter().copied().filter(|name| *name != FAKE).collect();
    if !ours.is_empty() {
        let built = Built::for_benches(&ours)?;
        for name in ours {
            run_ours(name, &built, &result(name))?;
        }
    }
    if names.contains(&FAKE) {
        // A bench target, for its clients must skip a certificate check, and a feature of a
        // dependency of tests reaches no binary.
        let mut command = cargo(&["bench", "--locked", "-p", "fake-whatsapp"]);
        command.args(["--bench", "clients", "--"]).arg(result(FAKE));
        run_command(&mut command)?;
    }
    write_page()
}

/// What benches start, as far as they were asked for.
struct Built {
    demo: Option<PathBuf>,
    connector: Option<PathBuf>,
    api: Option<PathBuf>,
}

impl Built {
    fn for_benches(names: &[&str]) -> Result<Self, String> {
        let has = |name| names.contains(&name);
        let alone = [SESSIONS, API, FAILOVER];
        let (demo, connector) = if has(FAILOVER) {
            functions::run(&[])?;
            let (demo, connector) = binaries::demo_and_connector(true)?;
            (Some(demo), Some(connector))
        } else {
            let end_to_end = names.iter().any(|name| !alone.contains(name));
            (end_to_end.then(|| binaries::demo(true)).transpose()?, None)
        };
        let api = has(API).then(|| functions::release_here(API)).transpose()?;
        let mut build = cargo(&["build", "--release", "--locked", "-p", "pombal-bench"]);
        if api.is_some() {
            build.args(["--features", API]);
        }
        run_command(&mut build)?;
        Ok(Self {
            demo,
            connector,
            api,
        })
    }
}

/// Runs a bench of `pombal-bench`.
fn run_ours(name: &str, built: &Built, result: &Path) -> Result<(), String> {
    let mut command = Command::new(target().join("release").join("pombal-bench"));
    command.arg(name).arg(result);
    if let Some(demo) = &built.demo {
        command.env("POMBAL_DEMO_BIN", demo);
    }
    // Until the bench has ended.
    let mut aws = None;
    if let (API, Some(api)) = (name, &built.api) {
        command.env("POMBAL_API_BIN", api);
        aws.insert(Aws::start()?).tell(&mut command);
    }
    if let (FAILOVER, Some(connector)) = (name, &built.connector) {
        let aws = aws.insert(Aws::start()?);
        command
            .env("POMBAL_CONNECTOR_BIN", connector)
            .env("POMBAL_PACKAGED_TEMPLATE", deploy::package(aws)?);
        aws.tell(&mut command);
    }
    run_command(&mut command)
}

/// The page is made of whatever results are there.
fn write_page() -> Result<(), String> {
    let mut page = String::from(
        "# Benchmarks\n\nMade by `cargo xtask bench all`; do not edit. Everything runs on one \
         machine: Pombal, the fake WhatsApp server and the webhook endpoint share its cores.\n",
    );
    for name in BENCHES {
        let path = target().join("bench").join(format!("{name}.json"));
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let rows: Vec<Value> =
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        page.push_str(&format!(
            "\n## {name}\n\n| metric | value | target | runs |\n|---|---|---|---|\n"
        ));
        let mut notes = String::new();
        for row in rows {
            if let Some(note) = row["note"].as_str() {
                notes.push_str(&format!("\n{}: {note}\n", text_of(&row["metric"])));
            }
            let target = match &row["target"] {
                Value::Null => "–".to_owned(),
                target => format!("{target} {}", text_of(&row["unit"])),
            };
            page.push_str(&format!(
                "| {} | {} {} | {target} | {} |\n",
                text_of(&row["metric"]),
                row["value"],
                text_of(&row["unit"]),
                row["runs"],
            ));
        }
        page.push_str(&notes);
    }
    let path = root().join("docs").join("BENCHMARKS.md");
    fs::write(&path, page).map_err(|error| format!("{}: {error}", path.display()))
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
