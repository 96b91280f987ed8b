//! The way out of a demo build: loopback, whose certificates nobody signs.
//!
//! Like the websocket of a demo build (see `endpoint`), it goes nowhere else.

mod trust;

use bytes::Bytes;
use pombal_store::egress::{Exchange, Tunnel};
use reqwest::Method;
use reqwest::header::HeaderMap;
use url::Url;
use whatsapp_rust::wacore::net::HttpResponse;

use super::{CONNECT_TIMEOUT, TIMEOUT};
use crate::whatsapp::endpoint::is_loopback;
use crate::whatsapp::route;

/// Longest answer through a proxy, in bytes.
const MAX_ANSWER_BYTES: usize = 128 << 20;

/// Reaches this machine only, directly or through a proxy on it.
pub(super) enum Reach {
    Direct(reqwest::Client),
    Through(Tunnel),
}

impl Reach {
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .danger_accept_invalid_certs(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .build()?;
        Ok(Self::Direct(client))
    }

    pub(super) fn through(&self, tunnel: Tunnel) -> Self {
        Self::Through(tunnel)
    }

    pub(super) async fn exchange(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> anyhow::Result<HttpResponse> {
        anyhow::ensure!(
            is_loopback(&url),
            "this is a demo build: it reaches loopback addresses only"
        );
        let client = match self {
            Self::Direct(client) => client,
            Self::Through(tunnel) => {
                let exchange = Exchange {
                    method,
                    url,
                    headers,
                    body,
                    timeout: TIMEOUT,
                    max_answer_bytes: MAX_ANSWER_BYTES,
                };
                return tunnelled(tunnel, exchange).await;
            }
        };
        let request = client.request(method, url).headers(headers).body(body);
        let response = request.send().await?;
        Ok(HttpResponse {
            status_code: response.status().as_u16(),
            body: response.bytes().await?.into(),
        })
    }
}

async fn tunnelled(tunnel: &Tunnel, exchange: Exchange) -> anyhow::Result<HttpResponse> {
    route::check(tunnel)?;
    let whole = tunnel.exchange_with(exchange, &trust::everybody()?).await?;
    Ok(HttpResponse {
        status_code: whole.status,
        body: whole.body.into(),
    })
}

#[cfg(test)]
mod tests {
    use whatsapp_rust::wacore::net::{HttpClient as _, HttpRequest};

    use crate::whatsapp::http::WhatsAppHttp;

    #[tokio::test]
    async fn a_demo_build_reaches_nothing_but_loopback() {
        let http = WhatsAppHttp::new().unwrap();
        for url in [
            "https://mmg.whatsapp.net/",
            "https://localhost/",
            "https://127.0.0.1.x.com/",
            "https://10.0.0.1/",
        ] {
            let error = http.execute(HttpRequest::get(url)).await.unwrap_err();
            assert!(error.to_string().contains("demo build"), "{url}: {error}");
        }
    }
}
