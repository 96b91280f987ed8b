//! HTTP for the WhatsApp client: its current version, and media.
//!
//! Senders of messages choose a part of the addresses that media is fetched from: the path is
//! appended to a host name, and some messages carry a whole URL. So a production build takes
//! the client that never connects to a private address.

#[cfg(not(feature = "demo"))]
mod guarded;
#[cfg(feature = "demo")]
mod loopback;

use std::time::Duration;

use async_trait::async_trait;
use pombal_store::egress::Tunnel;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;
use whatsapp_rust::wacore::net::{HttpClient, HttpRequest, HttpResponse};

#[cfg(not(feature = "demo"))]
use guarded::Reach;
#[cfg(feature = "demo")]
use loopback::Reach;

/// Longest time for one exchange; a large file takes a while.
const TIMEOUT: Duration = Duration::from_secs(120);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The HTTP client could not be made.
#[cfg(not(feature = "demo"))]
pub(crate) type SetupError = pombal_store::egress::Error;
/// The HTTP client could not be made.
#[cfg(feature = "demo")]
pub(crate) type SetupError = reqwest::Error;

/// `whatsapp-rust`'s HTTP seam.
pub(crate) struct WhatsAppHttp(Reach);

impl WhatsAppHttp {
    pub(crate) fn new() -> Result<Self, SetupError> {
        Ok(Self(Reach::new()?))
    }

    /// The same, by way of `tunnel` and in no other.
    pub(crate) fn through(&self, tunnel: Tunnel) -> Self {
        Self(self.0.through(tunnel))
    }
}

#[async_trait]
impl HttpClient for WhatsAppHttp {
    async fn execute(&self, request: HttpRequest) -> anyhow::Result<HttpResponse> {
        let url: Url = request.url.parse()?;
        anyhow::ensure!(url.scheme() == "https", "WhatsApp's hosts speak HTTPS only");
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let name = HeaderName::try_from(name.as_str())?;
            headers.insert(name, HeaderValue::try_from(value.as_str())?);
        }
        let body = request.body.unwrap_or_default();
        let method = request.method.parse()?;
        self.0.exchange(method, url, headers, body).await
    }
}
