//! HTTP CONNECT (RFC 9110 § 9.3.6).

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::Wish;

/// Longest request in bytes.
const MAX_HEAD: usize = 8192;

/// Reads the request. `basic` is what `Proxy-Authorization` has to be.
pub(crate) async fn greet(
    client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    basic: Option<&str>,
) -> io::Result<Wish> {
    let head = head(client).await?;
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some("CONNECT"), Some(target)) = (words.next(), words.next()) else {
        client
            .write_all(b"HTTP/1.1 405 Method Not Allowed\r\n\r\n")
            .await?;
        return Ok(Wish::TurnedAway);
    };
    let shown = lines.find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("proxy-authorization")
            .then_some(value)
    });
    if basic.is_some() && shown != basic {
        let answer = "HTTP/1.1 407 Proxy Authentication Required\r\n\
                      proxy-authenticate: Basic realm=\"test\"\r\n\r\n";
        client.write_all(answer.as_bytes()).await?;
        return Ok(Wish::TurnedAway);
    }
    Ok(Wish::Connect(target.to_owned()))
}

pub(crate) async fn answer(
    client: &mut (impl AsyncWrite + Unpin),
    connected: bool,
) -> io::Result<()> {
    let answer: &[u8] = if connected {
        b"HTTP/1.1 200 Connection established\r\n\r\n"
    } else {
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n"
    };
    client.write_all(answer).await
}

async fn head(client: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // What follows the head is not ours to read.
        head.push(client.read_u8().await?);
    }
    String::from_utf8(head).map_err(io::Error::other)
}
