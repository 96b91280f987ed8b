//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use fake_whatsapp::Options;

/// The server side of WhatsApp Web on loopback, for tests and demos.
#[derive(Parser)]
pub(crate) struct Arguments {
    /// Where clients connect.
    #[arg(long, default_value = "127.0.0.1:8091")]
    ws: SocketAddr,
    /// Where the page and the control API are.
    #[arg(long, default_value = "127.0.0.1:8090")]
    control: SocketAddr,
    /// Where files are uploaded and downloaded.
    #[arg(long, default_value = "127.0.0.1:8092")]
    media: SocketAddr,
    /// Where the state is kept. Without it the state is gone at the end.
    #[arg(long)]
    state_dir: Option<PathBuf>,
}

impl From<Arguments> for Options {
    fn from(arguments: Arguments) -> Self {
        Self {
            ws: arguments.ws,
            control: arguments.control,
            media: arguments.media,
            state_dir: arguments.state_dir,
            ..Self::default()
        }
    }
}
