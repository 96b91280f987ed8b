//! A listener for TLS and plain HTTP on one port.
//!
//! Clients write `https://` in front of the host name, whatever it is; people and tests may
//! leave out TLS. The first byte tells them apart: a TLS handshake record has type 0x16
//! (RFC 8446 § 5.1), which starts no HTTP request.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::error::Error;

const TLS_HANDSHAKE: u8 = 0x16;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// After an accept error, for example no file descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);
const WAITING: usize = 64;

/// A connection of either kind.
pub(crate) enum MediaStream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Hands on connections whose handshake is done: a slow one delays no other.
pub(crate) struct MediaListener {
    ready: mpsc::Receiver<(MediaStream, SocketAddr)>,
    addr: SocketAddr,
}

impl MediaListener {
    /// Starts to accept, until stopped, with a new self-signed certificate.
    pub(crate) fn start(listener: TcpListener, stop: CancellationToken) -> Result<Self, Error> {
        let addr = listener.local_addr()?;
        let acceptor = TlsAcceptor::from(Arc::new(tls_config(addr)?));
        let (tx, ready) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = accept_all(listener, acceptor, tx) => {}
            }
        });
        Ok(Self { ready, addr })
    }
}

async fn accept_all(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    ready: mpsc::Sender<(MediaStream, SocketAddr)>,
) {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "media accept");
                tokio::time::sleep(ACCEPT_RETRY).await;
                continue;
            }
        };
        let (acceptor, ready) = (acceptor.clone(), ready.clone());
        tokio::spawn(async move {
            match tokio::time::timeout(HANDSHAKE_TIMEOUT, greet(stream, acceptor)).await {
                Ok(Ok(stream)) => {
                    // Fails when the server has stopped.
                    let _ = ready.send((stream, peer)).await;
                }
                Ok(Err(error)) => tracing::debug!(%error, "media handshake"),
                Err(_) => tracing::debug!("media handshake timed out"),
            }
        });
    }
}

async fn greet(stream: TcpStream, acceptor: TlsAcceptor) -> io::Result<MediaStream> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 1 && first[0] == TLS_HANDSHAKE {
        let stream = acceptor.accept(stream).await?;
        Ok(MediaStream::Tls(Box::new(stream)))
    } else {
        Ok(MediaStream::Plain(stream))
    }
}

fn tls_config(addr: SocketAddr) -> Result<ServerConfig, Error> {
    let names = vec![addr.ip().to_string(), "localhost".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).map_err(tls)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(tls)?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .map_err(tls)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn tls(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Io(io::Error::other(error))
}

impl axum::serve::Listener for MediaListener {
    type Io = MediaStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (MediaStream, SocketAddr) {
        match self.ready.recv().await {
            Some(accepted) => accepted,
            // Stopped: nothing comes any more.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.addr)
    }
}

impl AsyncRead for MediaStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for MediaStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
