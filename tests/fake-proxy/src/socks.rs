//! SOCKS 5 (RFC 1928), with user name and password (RFC 1929).

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::Wish;

const VERSION: u8 = 5;
const AUTH_VERSION: u8 = 1;
const NO_AUTH: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NO_METHOD: u8 = 0xff;
const CONNECT: u8 = 1;
const HOST_UNREACHABLE: u8 = 4;

/// Agrees on a method, checks the user, reads the request.
pub(crate) async fn greet(
    client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    user: Option<&(String, String)>,
) -> io::Result<Wish> {
    expect(client, VERSION).await?;
    let methods = block(client).await?;
    let wanted = if user.is_some() {
        USER_AND_PASSWORD
    } else {
        NO_AUTH
    };
    if !methods.contains(&wanted) {
        client.write_all(&[VERSION, NO_METHOD]).await?;
        return Ok(Wish::TurnedAway);
    }
    client.write_all(&[VERSION, wanted]).await?;
    if let Some((user, password)) = user {
        expect(client, AUTH_VERSION).await?;
        let (name, secret) = (block(client).await?, block(client).await?);
        let known = name == user.as_bytes() && secret == password.as_bytes();
        client.write_all(&[AUTH_VERSION, u8::from(!known)]).await?;
        if !known {
            return Ok(Wish::TurnedAway);
        }
    }
    target(client).await.map(Wish::Connect)
}

async fn target(client: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    expect(client, VERSION).await?;
    expect(client, CONNECT).await?;
    expect(client, 0).await?;
    let host = match client.read_u8().await? {
        1 => Ipv4Addr::from(client.read_u32().await?).to_string(),
        3 => String::from_utf8(block(client).await?).map_err(io::Error::other)?,
        4 => format!("[{}]", Ipv6Addr::from(client.read_u128().await?)),
        _ => return Err(io::ErrorKind::InvalidData.into()),
    };
    Ok(format!("{host}:{}", client.read_u16().await?))
}

pub(crate) async fn answer(
    client: &mut (impl AsyncWrite + Unpin),
    connected: bool,
) -> io::Result<()> {
    let status = if connected { 0 } else { HOST_UNREACHABLE };
    // The address that it is connected from is of no interest.
    client
        .write_all(&[VERSION, status, 0, 1, 0, 0, 0, 0, 0, 0])
        .await
}

async fn expect(client: &mut (impl AsyncRead + Unpin), wanted: u8) -> io::Result<()> {
    if client.read_u8().await? == wanted {
        Ok(())
    } else {
        Err(io::ErrorKind::InvalidData.into())
    }
}

/// Bytes with their number in front.
async fn block(client: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::from(client.read_u8().await?)];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}
