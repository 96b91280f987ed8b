//! Pombal in one process: the REST API, connectors and delivery over embedded storage.

mod api_key;
mod cli;
mod data_dir;
#[cfg(feature = "demo")]
mod demo;
mod evolution;
mod hooks;
mod qr;
mod serve;
mod session;
mod shutdown;

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
        Some(Command::Qr(args)) => qr::run(args, &cli.serve).await,
        Some(Command::Hooks(args)) => hooks::run(args).await,
        Some(Command::Session(command)) => session::run(command, &cli.serve).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            logs::fatal(error.as_ref());
            ExitCode::FAILURE
        }
    }
}
