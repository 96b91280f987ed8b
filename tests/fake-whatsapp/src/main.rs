//! Runs the server until it is interrupted.

mod arguments;

use arguments::Arguments;
use clap::Parser as _;
use fake_whatsapp::{Error, FakeWhatsApp};
use tracing_subscriber::EnvFilter;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a person reads where to go")]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    // Each client takes a file; the usual limit is low for old programs only.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "limit of open files not raised");
    }
    let server = FakeWhatsApp::start(Arguments::parse().into()).await?;
    // In one piece: a reader may go away once it has the line that it wants.
    println!(
        "WhatsApp: {}\nPhones:   {}/\nMedia:    {}",
        server.ws_url(),
        server.control_url(),
        server.media_url()
    );
    tokio::signal::ctrl_c().await?;
    server.shutdown().await;
    Ok(())
}
