//! The way out of a production build: public addresses, verified certificates.

use bytes::Bytes;
use pombal_store::Egress;
use pombal_store::egress::{EgressOptions, Error, Exchange, Tunnel};
use reqwest::Method;
use reqwest::header::HeaderMap;
use url::Url;
use whatsapp_rust::wacore::net::HttpResponse;

use super::{CONNECT_TIMEOUT, TIMEOUT};

/// Longest answer, in bytes. It is held in memory.
const MAX_ANSWER_BYTES: usize = 128 << 20;

/// Reaches the public internet, directly or through a proxy.
pub(super) enum Reach {
    Direct(Egress),
    Through(Tunnel),
}

impl Reach {
    pub(super) fn new() -> Result<Self, Error> {
        let egress = Egress::new(EgressOptions {
            allow_private: false,
            connect_timeout: CONNECT_TIMEOUT,
            // The client sets the headers that WhatsApp expects.
            user_agent: String::new(),
        })?;
        Ok(Self::Direct(egress))
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
        let exchange = Exchange {
            method,
            url,
            headers,
            body,
            timeout: TIMEOUT,
            max_answer_bytes: MAX_ANSWER_BYTES,
        };
        let whole = match self {
            Self::Direct(egress) => egress.exchange(exchange).await?,
            Self::Through(tunnel) => tunnel.exchange(exchange).await?,
        };
        Ok(HttpResponse {
            status_code: whole.status,
            body: whole.body.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use whatsapp_rust::wacore::net::{HttpClient as _, HttpRequest};

    use crate::whatsapp::http::WhatsAppHttp;

    #[tokio::test]
    async fn a_message_can_not_lead_a_production_build_into_private_networks() {
        let http = WhatsAppHttp::new().unwrap();
        for url in [
            "https://127.0.0.1:8443/v/x.enc?token=t",
            "https://[::1]/",
            "https://localhost/",
            "https://10.0.0.1/",
            "https://169.254.169.254/latest/meta-data",
            // What a direct path of `@127.0.0.1/x` makes of a host name.
            "https://mmg.whatsapp.net@127.0.0.1/x",
        ] {
            let error = http.execute(HttpRequest::get(url)).await.unwrap_err();
            assert!(
                error.to_string().contains("out of bounds"),
                "{url}: {error}"
            );
        }
        let plain = HttpRequest::get("http://mmg.whatsapp.net/");
        let error = http.execute(plain).await.unwrap_err();
        assert!(error.to_string().contains("HTTPS only"), "{error}");
    }
}
