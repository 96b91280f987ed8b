//! Connections through a proxy.
//!
//! Whoever holds a [`Tunnel`] has a way out that leads through its proxy. There is no other in
//! it: what the proxy does not carry fails.

mod exchange;
mod leg;
mod stream;

#[cfg(test)]
mod tests;

pub use stream::TunnelStream;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use http::header::HeaderValue;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel as Connect};
use pombal_domain::ProxyProtocol;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tower::{Service, ServiceExt};

use super::{Error, Reach};
use crate::proxy::{Credentials, Proxy};
use leg::Leg;

/// A way out through one proxy. A cheap clone.
#[derive(Debug, Clone)]
pub struct Tunnel {
    proxy: Arc<Proxy>,
    /// How far the proxy itself may be.
    reach: Reach,
    /// Longest wait for a connection: to the proxy, and from there to its target.
    patience: Duration,
    /// Whom to take for a proxy that speaks TLS; `None`: who has a certificate that the public
    /// roots know.
    trust: Option<Arc<ClientConfig>>,
}

impl Tunnel {
    /// A way through `proxy`, which must be within `reach`.
    #[must_use]
    pub fn new(proxy: Proxy, reach: Reach, patience: Duration) -> Self {
        Self {
            proxy: Arc::new(proxy),
            reach,
            patience,
            trust: None,
        }
    }

    /// The same, with another idea of whom to take for the proxy.
    #[cfg(test)]
    fn trusting(self, config: ClientConfig) -> Self {
        Self {
            trust: Some(Arc::new(config)),
            ..self
        }
    }

    /// The proxy.
    #[must_use]
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// Opens a connection to `host`, a name or an address with or without brackets. Names are
    /// resolved by the proxy.
    ///
    /// # Errors
    /// [`Error::Blocked`], [`Error::Resolve`], [`Error::Connect`] of the proxy's own address;
    /// [`Error::Proxy`] when the proxy refuses, or talks nonsense; [`Error::TimedOut`].
    pub async fn open(&self, host: &str, port: u16) -> Result<TunnelStream, Error> {
        let target = authority(host, port)?;
        timeout(self.patience, self.through(target))
            .await
            .map_err(|_| Error::TimedOut)?
    }

    /// How the proxy itself is spoken to: by TLS, if it wants that.
    fn tls(&self) -> Result<Option<TlsConnector>, Error> {
        if self.proxy.protocol != ProxyProtocol::Https {
            return Ok(None);
        }
        match &self.trust {
            Some(config) => Ok(Some(Arc::clone(config).into())),
            None => leg::verifying().map(Some),
        }
    }

    async fn through(&self, target: Uri) -> Result<TunnelStream, Error> {
        let proxy = &*self.proxy;
        let address = authority(&proxy.host, proxy.port)?;
        let leg = Leg::new(proxy, self.reach, self.tls()?);
        let stream = match proxy.protocol {
            ProxyProtocol::Http | ProxyProtocol::Https => {
                let mut connect = Connect::new(address, leg);
                if let Some(credentials) = &proxy.credentials {
                    connect = connect.with_auth(basic(credentials)?);
                }
                shake_hands(connect, target).await?
            }
            ProxyProtocol::Socks5 => {
                let mut socks = SocksV5::new(address, leg);
                if let Some(credentials) = &proxy.credentials {
                    let password = credentials.password.to_string();
                    socks = socks.with_auth(credentials.username.clone(), password);
                }
                shake_hands(socks, target).await?
            }
        };
        Ok(stream.into_inner())
    }
}

/// Lets a protocol's connector do its part. Its error hides ours, if ours is the reason.
async fn shake_hands<C>(connector: C, target: Uri) -> Result<C::Response, Error>
where
    C: Service<Uri>,
    C::Error: std::error::Error + Send + Sync + 'static,
{
    connector
        .oneshot(target)
        .await
        .map_err(|error| leg::reason(Box::new(error)))
}

/// `host:port` as an address of HTTP.
fn authority(host: &str, port: u16) -> Result<Uri, Error> {
    let text = match host.parse::<std::net::Ipv6Addr>() {
        Ok(addr) => format!("https://[{addr}]:{port}/"),
        Err(_) => format!("https://{host}:{port}/"),
    };
    text.parse()
        .map_err(|_| Error::InvalidUrl("no host that a proxy could reach"))
}

/// `Proxy-Authorization` (RFC 7617).
fn basic(credentials: &Credentials) -> Result<HeaderValue, Error> {
    let pair = format!("{}:{}", credentials.username, *credentials.password);
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair)))
        .map_err(|_| Error::InvalidUrl("user or password that no header can carry"))?;
    value.set_sensitive(true);
    Ok(value)
}
