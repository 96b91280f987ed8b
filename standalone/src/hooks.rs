//! A webhook receiver for trying things out: prints what arrives.

use std::error::Error;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::Uri;
use tokio::net::TcpListener;

use crate::cli::HooksArgs;
use crate::shutdown;

/// Largest body taken: media in webhooks is base64.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// Listens until SIGTERM or SIGINT. One line per webhook.
#[expect(clippy::print_stdout, reason = "printing is what it is for")]
pub(crate) async fn run(args: HooksArgs) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(args.address).await?;
    println!(
        "Listening for webhooks on http://{}",
        listener.local_addr()?
    );
    let app = Router::new()
        .fallback(print)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
    axum::serve(listener, app)
        .with_graceful_shutdown(async {
            // Without signals the process is ended the hard way, which is fine here.
            let _ = shutdown::requested().await;
        })
        .await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "printing is what it is for")]
async fn print(uri: Uri, body: Bytes) {
    match serde_json::from_slice::<serde_json::Value>(&body) {
        Ok(body) => println!("{uri} {body}"),
        Err(_) => println!("{uri} ({} bytes that are not JSON)", body.len()),
    }
}
