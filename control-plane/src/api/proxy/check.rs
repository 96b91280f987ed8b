//! Trying a proxy before it is stored.

use std::time::Duration;

use pombal_domain::Chain;
use pombal_store::Proxy;
use pombal_store::egress::{Reach, Tunnel};

use super::input::Wanted;
use crate::api::error::ApiError;
use crate::api::state::ApiState;

/// How proxies are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyCheck {
    /// The host that a proxy has to lead to.
    pub host: String,
    /// The port there.
    pub port: u16,
    /// Where proxies of tenants may be.
    pub reach: Reach,
    /// Longest wait for the connection. Beyond that it is no good.
    pub timeout: Duration,
}

impl Default for ProxyCheck {
    /// `WhatsApp` itself, through proxies on the public internet.
    fn default() -> Self {
        Self {
            host: "web.whatsapp.com".to_owned(),
            port: 443,
            reach: Reach::Public,
            timeout: Duration::from_secs(10),
        }
    }
}

/// Opens a connection to `WhatsApp` through a proxy that is to be used, and closes it.
pub(super) async fn check(state: &ApiState, wanted: &Wanted) -> Result<(), ApiError> {
    let Some((server, password)) = wanted.active() else {
        return Ok(());
    };
    let options = &state.options().proxy_check;
    let tunnel = Tunnel::new(
        Proxy::at(server, password.cloned()),
        options.reach,
        options.timeout,
    );
    match tunnel.open(&options.host, options.port).await {
        Ok(_) => Ok(()),
        Err(error) => {
            // The client is not told why: it could look around by that.
            tracing::info!(proxy = %tunnel.proxy(), error = %Chain(&error), "proxy refused");
            Err(ApiError::bad_request("Invalid proxy"))
        }
    }
}
