//! The way out of a demo build: loopback, whose certificates nobody signs.
//!
//! Like the websocket of a demo build (see `endpoint`), it goes nowhere else.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::HeaderMap;
use url::Url;
use whatsapp_rust::wacore::net::HttpResponse;

use super::{CONNECT_TIMEOUT, TIMEOUT};
use crate::whatsapp::endpoint::is_loopback;

/// Reaches this machine only.
pub(super) struct Reach(reqwest::Client);

impl Reach {
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .danger_accept_invalid_certs(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .build()?;
        Ok(Self(client))
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
        let request = self.0.request(method, url).headers(headers).body(body);
        let response = request.send().await?;
        Ok(HttpResponse {
            status_code: response.status().as_u16(),
            body: response.bytes().await?.into(),
        })
    }
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
