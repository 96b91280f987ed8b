//! The ways TCP ends, or doesn't.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::ending::Ending;

/// How long a client may take to end its side of a connection that the server has ended.
const CLIENT_ENDS_TIMEOUT: Duration = Duration::from_secs(2);

/// Parts from a client that has no encrypted stream yet.
pub(crate) async fn part(mut stream: TcpStream, ending: &Ending) {
    match ending {
        Ending::Reset => reset(stream),
        Ending::Silence => ignore(&mut stream).await,
        _ => end(&mut stream).await,
    }
}

/// Sends FIN, then takes what the client still sends: closing with unread bytes would send RST.
pub(crate) async fn end(stream: &mut TcpStream) {
    // A client that is gone has been told enough.
    let _ = stream.shutdown().await;
    let _ = tokio::time::timeout(CLIENT_ENDS_TIMEOUT, ignore(stream)).await;
}

/// Sends RST: what is on its way in either direction is lost.
pub(crate) fn reset(stream: TcpStream) {
    if let Err(error) = stream.set_zero_linger() {
        tracing::warn!(%error, "no reset");
    }
}

/// Reads and answers nothing until the client ends the connection.
pub(crate) async fn ignore(stream: &mut TcpStream) {
    let mut unread = [0; 1024];
    while stream.read(&mut unread).await.is_ok_and(|n| n > 0) {}
}
