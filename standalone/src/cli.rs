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
    /// Move an instance to another deployment. Stop the server that uses the data directory.
    #[command(subcommand)]
    Session(SessionCommand),
}

/// What to do with an instance's session.
#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// Write an instance, its session included, into a file sealed with a passphrase.
    Export(ExportArgs),
    /// Take in an instance from such a file. It connects without a new QR code.
    Import(ImportArgs),
}

/// What to export.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The instance's name.
    pub(crate) instance: String,
    /// The file to write. It must not exist.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Once the file is written, never connect the instance here again. Without it this is a
    /// copy, and only one of the two may ever connect.
    #[arg(long = "move")]
    pub(crate) moves: bool,
    /// A file whose first line is the passphrase. Else `POMBAL_PASSPHRASE`, else a prompt.
    #[arg(long)]
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// What to import.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file.
    pub(crate) file: PathBuf,
    /// Another name for the instance.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The shard to put it on. Any, unless given.
    #[arg(long)]
    pub(crate) shard: Option<u16>,
    /// Delete the instances that are in its way here: one of its name, and itself.
    #[arg(long)]
    pub(crate) replace: bool,
    /// A file whose first line is the passphrase. Else `POMBAL_PASSPHRASE`, else a prompt.
    #[arg(long)]
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// How to serve.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    /// Where everything is kept.
    #[arg(long, env = "POMBAL_DATA_DIR", default_value = "data", global = true)]
    pub(crate) data_dir: PathBuf,
    /// Where the API listens. [default: 127.0.0.1:8080, or the port in `SERVER_PORT`]
    #[arg(long, env = "POMBAL_LISTEN", global = true)]
    pub(crate) listen: Option<SocketAddr>,
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
