//! The command line.

use std::net::SocketAddr;

use clap::{Args, Parser, Subcommand};

/// Owns shards and holds the WhatsApp sockets of their instances, on AWS.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask the connector of this container how it is: exit code 0 when it serves all shards.
    Health(HealthArgs),
}

/// How to serve. All else comes from the environment.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    /// Where `GET /healthz` listens.
    #[arg(
        long,
        env = "POMBAL_HEALTH_LISTEN",
        default_value = "127.0.0.1:8081",
        global = true
    )]
    pub(crate) health_listen: SocketAddr,
    /// Another WhatsApp server than WhatsApp's own.
    #[arg(long, env = "POMBAL_WHATSAPP_URL")]
    pub(crate) whatsapp_url: Option<String>,
}

/// What counts as healthy.
#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    /// Whether it lives: any answer will do. A restart cures a process that does not answer; it
    /// cures no damaged shard, and takes the sockets of all others down.
    #[arg(long)]
    pub(crate) alive: bool,
}
