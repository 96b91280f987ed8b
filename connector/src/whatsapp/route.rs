//! The way that an instance's connections take: its sockets, and HTTP for media and versions.
//!
//! One that leads through a proxy has no other: what the proxy does not carry fails.

use std::time::Duration;

use anyhow::Context as _;
use pombal_domain::Instance;
use pombal_store::egress::{Reach, Tunnel};
use pombal_store::{Keys, Proxy, proxy};

use crate::options::ConnectorOptions;

/// Longest wait for a connection through a proxy. The client gives up a dial after 20 s.
const PATIENCE: Duration = Duration::from_secs(15);

/// How connections leave.
#[derive(Debug, Clone)]
pub(crate) enum Route {
    /// Straight to their target.
    Direct,
    /// Through a proxy.
    Through(Tunnel),
}

/// Which way instances go.
#[derive(Debug, Clone)]
pub(crate) struct Routes {
    default: Option<Proxy>,
    reach: Reach,
}

impl Routes {
    pub(crate) fn new(options: &ConnectorOptions) -> Self {
        Self {
            default: options.proxy.clone(),
            reach: options.proxy_reach,
        }
    }

    /// The way of `instance`: through its own proxy, else through the operator's, else direct.
    ///
    /// # Errors
    /// When its proxy's password can't be had. It must not connect then.
    pub(crate) async fn of(
        &self,
        instance: &Instance,
        keys: &dyn Keys,
    ) -> Result<Route, proxy::Error> {
        if let Some(proxy) = Proxy::of(instance, keys).await? {
            return Ok(Route::Through(Tunnel::new(proxy, self.reach, PATIENCE)));
        }
        Ok(match &self.default {
            // Who sets the environment runs the network.
            Some(proxy) => {
                let reach = Reach::PublicAndPrivate;
                Route::Through(Tunnel::new(proxy.clone(), reach, PATIENCE))
            }
            None => Route::Direct,
        })
    }
}

/// Refuses a proxy that a demo build does not take: it takes those on this machine only, as it
/// takes servers.
pub(super) fn check(tunnel: &Tunnel) -> anyhow::Result<()> {
    anyhow::ensure!(
        !cfg!(feature = "demo") || tunnel.proxy().is_loopback(),
        "this is a demo build: it takes proxies on loopback only"
    );
    Ok(())
}

/// Opens a connection through `tunnel`, if it passes [`check`].
pub(super) async fn open(
    tunnel: &Tunnel,
    host: &str,
    port: u16,
) -> anyhow::Result<pombal_store::egress::TunnelStream> {
    check(tunnel)?;
    let opened = tunnel.open(host, port).await;
    opened.with_context(|| format!("no way through the proxy {}", tunnel.proxy()))
}
