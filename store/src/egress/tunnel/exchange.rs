//! HTTPS through a proxy. Each exchange has a connection of its own: they are few.

use bytes::{Bytes, BytesMut};
use http::header::HOST;
use http::{HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use url::{Host, Url};

use super::{Tunnel, leg};
use crate::egress::{Error, Exchange, Whole, check_literal};

impl Tunnel {
    /// Sends a request to a public `https` address, whose certificate is verified, and reads
    /// the whole answer. Names are resolved by the proxy, so it is up to the proxy what is
    /// behind them.
    ///
    /// # Errors
    /// As [`Self::open`]; [`Error::TooLarge`]; [`Error::Request`].
    pub async fn exchange(&self, exchange: Exchange) -> Result<Whole, Error> {
        check_literal(&exchange.url, crate::egress::Reach::Public)?;
        self.exchange_with(exchange, &leg::verifying()?).await
    }

    /// The same to any `https` address, with another idea of whom to trust.
    ///
    /// # Errors
    /// As [`Self::exchange`].
    pub async fn exchange_with(
        &self,
        exchange: Exchange,
        tls: &TlsConnector,
    ) -> Result<Whole, Error> {
        timeout(exchange.timeout, self.exchanged(exchange, tls))
            .await
            .map_err(|_| Error::TimedOut)?
    }

    async fn exchanged(&self, exchange: Exchange, tls: &TlsConnector) -> Result<Whole, Error> {
        let url = &exchange.url;
        if url.scheme() != "https" {
            return Err(Error::InvalidUrl("not https"));
        }
        let host = url.host_str().ok_or(Error::InvalidUrl("no host"))?;
        let port = url.port_or_known_default().unwrap_or(443);
        let stream = self.open(bare(url).as_ref(), port).await?;
        let name = ServerName::try_from(bare(url)).map_err(|_| Error::InvalidUrl("no TLS name"))?;
        let stream = tls
            .connect(name, stream)
            .await
            .map_err(|error| Error::Connect(error.into()))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(failed)?;
        let host = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let limit = exchange.max_answer_bytes;
        let request = request(exchange, &host)?;
        // The connection ends with this future, whoever drops it.
        let mut connection = std::pin::pin!(connection);
        let answer = async {
            let response = sender.send_request(request).await.map_err(failed)?;
            let status = response.status().as_u16();
            let body = read(response.into_body(), limit).await?;
            Ok(Whole { status, body })
        };
        let mut answer = std::pin::pin!(answer);
        tokio::select! {
            answer = &mut answer => answer,
            ended = &mut connection => {
                ended.map_err(failed)?;
                answer.await
            }
        }
    }
}

/// The host without the brackets of an IPv6 address.
fn bare(url: &Url) -> String {
    match url.host() {
        Some(Host::Ipv6(addr)) => addr.to_string(),
        Some(Host::Ipv4(addr)) => addr.to_string(),
        Some(Host::Domain(name)) => name.to_owned(),
        None => String::new(),
    }
}

fn request(exchange: Exchange, host: &str) -> Result<Request<Full<Bytes>>, Error> {
    let path = &exchange.url[url::Position::BeforePath..url::Position::AfterQuery];
    let mut request = Request::new(Full::new(exchange.body));
    *request.method_mut() = exchange.method;
    *request.uri_mut() = path
        .parse()
        .map_err(|_| Error::InvalidUrl("path that can't be requested"))?;
    *request.headers_mut() = exchange.headers;
    let host = HeaderValue::try_from(host).map_err(|_| Error::InvalidUrl("no host"))?;
    request.headers_mut().insert(HOST, host);
    Ok(request)
}

async fn read(mut body: Incoming, limit: usize) -> Result<Bytes, Error> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame.map_err(failed)?.into_data() else {
            continue;
        };
        if whole.len() + chunk.len() > limit {
            return Err(Error::TooLarge { limit });
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

fn failed(error: hyper::Error) -> Error {
    Error::Request(error.into())
}
