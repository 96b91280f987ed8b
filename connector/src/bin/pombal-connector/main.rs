//! The connector on AWS: registry on `DynamoDB`, queues on SQS, sessions on S3, keys in KMS.

mod census;
mod cli;
mod health;
mod serve;
mod settings;

use std::process::ExitCode;

use clap::Parser;
use pombal_store::logs;

use crate::cli::{Cli, Command};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    logs::init();
    let result = match cli.command {
        None => serve::run(cli.serve).await,
        Some(Command::Health(args)) => health::ask(cli.serve.health_listen, args).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            logs::fatal(error.as_ref());
            ExitCode::FAILURE
        }
    }
}
