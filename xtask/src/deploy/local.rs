//! `cargo xtask localstack`: the whole deployment on this machine.

use std::process::Command;

use serde_json::Value;

use super::sam;
use crate::aws_local::Aws;
use crate::command::{run, say};
use crate::functions;

/// Where AWS's stand-ins listen by custom.
const PORT: u16 = 4566;
const STACK: &str = "pombal";
/// Known to whoever reads this, and good for the loopback only.
const API_KEY: &str = "local-key-of-pombal";

/// Starts the emulator, deploys `template.yaml` into it as one deploys it to AWS, says how to
/// use it, and stays until Ctrl-C.
pub(crate) fn run_local() -> Result<(), String> {
    functions::check_built()?;
    let aws = Aws::emulate(PORT)?;
    deploy(&aws)?;
    let outputs = outputs(&aws)?;
    say(&usage(&aws, &outputs));
    aws.wait()
}

fn deploy(aws: &Aws) -> Result<(), String> {
    let key = format!("ApiKey={API_KEY}");
    let mut command = sam::sam(&["deploy", "--stack-name", STACK, "--resolve-s3"])?;
    command
        .args(["--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"])
        .args(["--no-confirm-changeset", "--no-progressbar"])
        .args(["--parameter-overrides", &key, "WebhookAllowPrivate=true"]);
    aws.tell(&mut command);
    run(&mut command)
}

/// The stack's outputs.
fn outputs(aws: &Aws) -> Result<Vec<(String, String)>, String> {
    let args = ["list", "stack-outputs", "--stack-name", STACK];
    let mut command: Command = sam::sam(&args)?;
    command.args(["--output", "json"]);
    aws.tell(&mut command);
    let listed = command
        .output()
        .map_err(|error| format!("sam list: {error}"))?;
    let found: Value = serde_json::from_slice(&listed.stdout).map_err(|error| {
        let said = String::from_utf8_lossy(&listed.stderr);
        format!("sam list: {error}: {said}")
    })?;
    let found = found.as_array().ok_or("sam list: no list of outputs")?;
    let text = |output: &Value, name| output[name].as_str().unwrap_or_default().to_owned();
    Ok(found
        .iter()
        .map(|output| (text(output, "OutputKey"), text(output, "OutputValue")))
        .collect())
}

fn usage(aws: &Aws, outputs: &[(String, String)]) -> String {
    let endpoint = aws.endpoint();
    let of = |name: &str| {
        outputs
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value.as_str())
    };
    let list: String = outputs
        .iter()
        .map(|(key, value)| format!("  {key:20} {value}\n"))
        .collect();
    format!(
        "\n{list}
The API (key: {API_KEY}):

  curl -H 'apikey: {API_KEY}' '{endpoint}/_aws/execute-api/{api}/$default/instance/fetchInstances'

A connector beside it, in another terminal:

  AWS_ENDPOINT_URL={endpoint} AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test \\
  POMBAL_TABLE={table} \\
  POMBAL_QUEUES={queues} \\
  POMBAL_SHARDS={shards} \\
  POMBAL_KMS_KEY={key} \\
  POMBAL_SESSIONS_BUCKET={sessions} \\
  POMBAL_MEDIA_BUCKET={media} \\
  cargo run --release -p pombal-connector --bin pombal-connector

Ctrl-C ends it; nothing is kept.",
        api = of("ApiId"),
        table = of("TableName"),
        queues = of("QueuesUrl"),
        shards = of("Shards"),
        key = of("KmsKeyArn"),
        sessions = of("SessionsBucketName"),
        media = of("MediaBucketName"),
    )
}
