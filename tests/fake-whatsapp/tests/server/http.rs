//! HTTP for the clients under test.

use std::sync::LazyLock;

use wacore::net::{HttpClient, HttpRequest, HttpResponse};
use whatsapp_rust::anyhow;

/// One for all: each builds a root store.
static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
    reqwest::Client::builder()
        // The media host's certificate is signed by nobody.
        .danger_accept_invalid_certs(true)
        .build()
        .expect("HTTP client")
});

/// Reaches loopback only: no test needs the web.
pub(crate) struct LoopbackHttp;

#[async_trait::async_trait]
impl HttpClient for LoopbackHttp {
    async fn execute(&self, request: HttpRequest) -> anyhow::Result<HttpResponse> {
        let url: reqwest::Url = request.url.parse()?;
        anyhow::ensure!(url.host_str() == Some("127.0.0.1"), "not loopback: {url}");
        let mut builder = CLIENT.request(request.method.parse()?, url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        let response = builder.send().await?;
        Ok(HttpResponse {
            status_code: response.status().as_u16(),
            body: response.bytes().await?.to_vec(),
        })
    }
}
