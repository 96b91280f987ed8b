//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Keeps WhatsApp connections alive, with Evolution API's REST and webhook contract.
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
    /// Show the QR code of an instance in the terminal, until it is scanned.
    Qr(QrArgs),
    /// Listen for webhooks and print them: a receiver to try things out with.
    Hooks(HooksArgs),
}

/// How to serve.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    /// Where everything is kept.
    #[arg(long, env = "POMBAL_DATA_DIR", default_value = "data", global = true)]
    pub(crate) data_dir: PathBuf,
    /// Where the API listens.
    #[arg(
        long,
        env = "POMBAL_LISTEN",
        default_value = "127.0.0.1:8080",
        global = true
    )]
    pub(crate) listen: SocketAddr,
    /// How many shards instances are spread over. Growing it later is fine.
    #[arg(long, env = "POMBAL_SHARDS", default_value_t = 4)]
    pub(crate) shards: u16,
    /// Another WhatsApp server than WhatsApp's own.
    #[arg(long, env = "POMBAL_WHATSAPP_URL")]
    pub(crate) whatsapp_url: Option<String>,
    /// Run a fake WhatsApp server in this process, with a page to scan QR codes on.
    #[cfg(feature = "demo")]
    #[arg(long)]
    pub(crate) fake_whatsapp: bool,
    /// Where the fake server's page is.
    #[cfg(feature = "demo")]
    #[arg(long, default_value = "127.0.0.1:8090")]
    pub(crate) fake_whatsapp_page: SocketAddr,
}

/// Whose QR code to show.
#[derive(Debug, Args)]
pub(crate) struct QrArgs {
    /// The instance's name.
    pub(crate) instance: String,
}

/// Where to listen for webhooks.
#[derive(Debug, Args)]
pub(crate) struct HooksArgs {
    /// The address to listen on.
    #[arg(default_value = "127.0.0.1:9000")]
    pub(crate) address: SocketAddr,
}
