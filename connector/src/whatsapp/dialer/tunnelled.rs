//! A websocket to WhatsApp through a proxy.

use std::sync::Arc;

use http::header::{HeaderValue, ORIGIN};
use pombal_store::egress::Tunnel;
use tokio_websockets::ClientBuilder;
use url::Url;
use whatsapp_rust::async_channel::Receiver;
use whatsapp_rust::transport::{Connector, Transport, TransportEvent, from_websocket};
use whatsapp_rust::wacore::net::WHATSAPP_WEB_ORIGIN;

use crate::whatsapp::endpoint::Endpoint;
use crate::whatsapp::route;

/// Opens one. The TLS session, where there is one, is with WhatsApp: the proxy sees none of it.
pub(super) async fn open(
    endpoint: &Endpoint,
    tls: &Connector,
    tunnel: &Tunnel,
) -> anyhow::Result<(Arc<dyn Transport>, Receiver<TransportEvent>)> {
    let url: Url = endpoint.as_str().parse()?;
    let (connector, default_port) = if url.scheme() == "wss" {
        (tls, 443)
    } else {
        (&Connector::Plain, 80)
    };
    let host = url
        .host_str()
        .ok_or_else(|| anyhow::anyhow!("the address has no host"))?
        .trim_matches(['[', ']']);
    let port = url.port().unwrap_or(default_port);
    let stream = route::open(tunnel, host, port).await?;
    let stream = connector.wrap(host, stream).await?;
    let origin = HeaderValue::from_static(WHATSAPP_WEB_ORIGIN);
    let builder = ClientBuilder::from_uri(endpoint.as_str().parse()?).add_header(ORIGIN, origin)?;
    let (websocket, _) = builder.connect_on(stream).await?;
    Ok(from_websocket(websocket))
}
