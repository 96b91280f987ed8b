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
    let server = FakeWhatsApp::start(Arguments::parse().into()).await?;
    println!("WhatsApp: {}", server.ws_url());
    println!("Phones:   {}/", server.control_url());
    println!("Media:    {}", server.media_url());
    tokio::signal::ctrl_c().await?;
    server.shutdown().await;
    Ok(())
}
