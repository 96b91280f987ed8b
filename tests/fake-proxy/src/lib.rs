//! Proxies on loopback: HTTP CONNECT, in the clear or by TLS, and SOCKS 5, with or without a user. They note what goes
//! through them, and can be killed and revived.

#![expect(clippy::unwrap_used, reason = "a failure is a failed test")]

mod http;
mod socks;
mod tls;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tls::Identity;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_util::sync::CancellationToken;

/// Connections that a proxy makes come from this address, so that a server on loopback can tell
/// them from those that come directly.
pub const EXIT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// What a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// HTTP CONNECT.
    Http,
    /// HTTP CONNECT within TLS.
    Https,
    /// SOCKS 5.
    Socks5,
}

/// A proxy. It ends with its last handle's runtime.
#[derive(Clone)]
pub struct FakeProxy {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    speaks: Speaks,
    identity: Option<Identity>,
    user: Mutex<Option<(String, String)>>,
    noted: Mutex<Noted>,
    life: Mutex<CancellationToken>,
}

#[derive(Default)]
struct Noted {
    targets: Vec<String>,
    turned_away: usize,
}

/// What a client asked for.
enum Wish {
    /// To be connected with `host:port`.
    Connect(String),
    /// It is none of ours, and has been told so.
    TurnedAway,
}

impl FakeProxy {
    /// Starts one for everybody.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start(speaks: Speaks) -> Self {
        Self::of(speaks, None).await
    }

    /// Starts one for this user only.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start_for(speaks: Speaks, user: &str, password: &str) -> Self {
        Self::of(speaks, Some((user.to_owned(), password.to_owned()))).await
    }

    async fn of(speaks: Speaks, user: Option<(String, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shared = Shared {
            speaks,
            identity: (speaks == Speaks::Https).then(Identity::generate),
            user: Mutex::new(user),
            noted: Mutex::default(),
            life: Mutex::default(),
        };
        let proxy = Self {
            addr: listener.local_addr().unwrap(),
            shared: Arc::new(shared),
        };
        proxy.listen(listener);
        proxy
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// The certificate that it shows, for the name `localhost`. Nobody vouches for it.
    ///
    /// # Panics
    /// When it does not speak TLS.
    #[must_use]
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.shared.identity.as_ref().unwrap().certificate()
    }

    /// The targets it has connected clients with, `host:port` as they wrote it, in order.
    #[must_use]
    pub fn targets(&self) -> Vec<String> {
        self.shared.noted().targets.clone()
    }

    /// How many clients came without the user's name and password.
    #[must_use]
    pub fn turned_away(&self) -> usize {
        self.shared.noted().turned_away
    }

    /// Takes another password from now on.
    ///
    /// # Panics
    /// When it is for everybody.
    pub fn change_password(&self, password: &str) {
        let mut user = self.shared.user();
        user.as_mut().unwrap().1 = password.to_owned();
    }

    /// Stops listening and cuts every connection.
    pub fn kill(&self) {
        self.shared.life().cancel();
    }

    /// Listens again on its port, after [`Self::kill`].
    ///
    /// # Errors
    /// While the old listener is not gone yet, or when somebody else has the port.
    pub fn revive(&self) -> io::Result<()> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(self.addr)?;
        let listener = socket.listen(64)?;
        *self.shared.life() = CancellationToken::new();
        self.listen(listener);
        Ok(())
    }

    fn listen(&self, listener: TcpListener) {
        let (shared, life) = (Arc::clone(&self.shared), self.shared.life().clone());
        let until = life.clone();
        tokio::spawn(until.run_until_cancelled_owned(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = Arc::clone(&shared);
                let served = async move { drop(shared.serve(client).await) };
                tokio::spawn(life.clone().run_until_cancelled_owned(served));
            }
        }));
    }
}

impl Shared {
    async fn serve(&self, client: TcpStream) -> io::Result<()> {
        match &self.identity {
            Some(identity) => self.serve_on(identity.accept(client).await?).await,
            None => self.serve_on(client).await,
        }
    }

    async fn serve_on(&self, mut client: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        let user = self.user().clone();
        let wish = match self.speaks {
            Speaks::Http | Speaks::Https => {
                http::greet(&mut client, user.map(basic).as_deref()).await?
            }
            Speaks::Socks5 => socks::greet(&mut client, user.as_ref()).await?,
        };
        let Wish::Connect(target) = wish else {
            self.noted().turned_away += 1;
            return Ok(());
        };
        let connected = connect(&target).await;
        if connected.is_ok() {
            self.noted().targets.push(target);
        }
        match self.speaks {
            Speaks::Http | Speaks::Https => http::answer(&mut client, connected.is_ok()).await?,
            Speaks::Socks5 => socks::answer(&mut client, connected.is_ok()).await?,
        }
        copy_bidirectional(&mut client, &mut connected?).await?;
        Ok(())
    }

    fn user(&self) -> MutexGuard<'_, Option<(String, String)>> {
        self.user.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn life(&self) -> MutexGuard<'_, CancellationToken> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The header that a user has to send (RFC 7617).
fn basic((user, password): (String, String)) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

async fn connect(target: &str) -> io::Result<TcpStream> {
    let mut found = lookup_host(target).await?;
    let addr = found
        .find(SocketAddr::is_ipv4)
        .ok_or(io::ErrorKind::AddrNotAvailable)?;
    let socket = TcpSocket::new_v4()?;
    if addr.ip().is_loopback() {
        socket.bind(SocketAddr::from((EXIT, 0)))?;
    }
    socket.connect(addr).await
}
