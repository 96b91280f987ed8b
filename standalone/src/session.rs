//! Moves instances between deployments: `pombal session export|import`.
//!
//! Both work on a data directory that no server uses: the session database has one writer.

mod export;
mod import;
mod passphrase;
mod storage;

use std::error::Error;

use crate::cli::{ServeArgs, SessionCommand};

/// Runs one of the subcommands.
pub(crate) async fn run(command: SessionCommand, serve: &ServeArgs) -> Result<(), Box<dyn Error>> {
    match command {
        SessionCommand::Export(args) => export::run(args, serve).await,
        SessionCommand::Import(args) => import::run(args, serve).await,
    }
}
