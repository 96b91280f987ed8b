//! The first leg of a tunnel: the connection to the proxy itself.

use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tower::Service;

use super::TunnelStream;
use crate::egress::resolver::{Refused, filter};
use crate::egress::{Error, Reach};
use crate::proxy::Proxy;

/// Dials the proxy, whatever it is called with.
pub(super) struct Leg {
    host: String,
    port: u16,
    tls: Option<TlsConnector>,
    reach: Reach,
}

impl Leg {
    /// The way to `proxy`, by TLS if there is a connector for it.
    pub(super) fn new(proxy: &Proxy, reach: Reach, tls: Option<TlsConnector>) -> Self {
        Self {
            host: proxy.host.clone(),
            port: proxy.port,
            tls,
            reach,
        }
    }

    /// The address is resolved once, checked, and then dialled: what was checked is what is
    /// reached.
    async fn dial(
        host: String,
        port: u16,
        tls: Option<TlsConnector>,
        reach: Reach,
    ) -> Result<TunnelStream, Error> {
        let found = tokio::net::lookup_host((host.as_str(), port))
            .await
            .map_err(|error| Error::Resolve(error.into()))?;
        let allowed = filter(found, reach).map_err(|refused| match refused {
            Refused::Blocked(addr) => Error::Blocked { addr },
            refused => Error::Resolve(refused.into()),
        })?;
        let stream = TcpStream::connect(&*allowed)
            .await
            .map_err(|error| Error::Connect(error.into()))?;
        let Some(tls) = tls else {
            return Ok(TunnelStream::new(stream));
        };
        let name = ServerName::try_from(host).map_err(|error| Error::Connect(error.into()))?;
        let stream = tls
            .connect(name, stream)
            .await
            .map_err(|error| Error::Connect(error.into()))?;
        Ok(TunnelStream::new(stream))
    }
}

impl Service<Uri> for Leg {
    type Response = TokioIo<TunnelStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let dial = Self::dial(self.host.clone(), self.port, self.tls.clone(), self.reach);
        Box::pin(async move { dial.await.map(TokioIo::new).map_err(io::Error::other) })
    }
}

/// What a connector's error says, or the leg's own error inside it.
pub(super) fn reason(error: Box<dyn StdError + Send + Sync>) -> Error {
    let mut inner: Option<&(dyn StdError + 'static)> = Some(&*error);
    while let Some(error) = inner {
        if let Some(own) = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .and_then(|own| own.downcast_ref::<Error>())
        {
            return match own {
                Error::Blocked { addr } => Error::Blocked { addr: *addr },
                Error::Resolve(why) => Error::Resolve(why.to_string().into()),
                other => Error::Connect(pombal_domain::Chain(other).to_string().into()),
            };
        }
        inner = error.source();
    }
    Error::Proxy(error)
}

/// TLS that verifies against the public roots; one configuration for all.
///
/// # Errors
/// [`Error::Setup`].
pub(super) fn verifying() -> Result<TlsConnector, Error> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(TlsConnector::from(Arc::clone(config)));
    }
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Setup(error.into()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = CONFIG.get_or_init(|| Arc::new(config));
    Ok(TlsConnector::from(Arc::clone(config)))
}
