//! HTTP for the WhatsApp client: its current version, and media.

use std::time::Duration;

use async_trait::async_trait;
use whatsapp_rust::wacore::net::{HttpClient, HttpRequest, HttpResponse};

/// Longest wait for one exchange.
const TIMEOUT: Duration = Duration::from_secs(20);

/// `whatsapp-rust`'s HTTP seam over `reqwest`.
///
/// It talks to WhatsApp's own hosts only, never to an address that a user gave: those go
/// through `pombal_store::Egress`.
pub(crate) struct WhatsAppHttp(reqwest::Client);

impl WhatsAppHttp {
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self(client))
    }
}

#[async_trait]
impl HttpClient for WhatsAppHttp {
    async fn execute(&self, request: HttpRequest) -> anyhow::Result<HttpResponse> {
        let method = request.method.parse()?;
        let mut builder = self.0.request(method, &request.url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        let response = builder.send().await?;
        let status_code = response.status().as_u16();
        Ok(HttpResponse {
            status_code,
            body: response.bytes().await?.to_vec(),
        })
    }
}
