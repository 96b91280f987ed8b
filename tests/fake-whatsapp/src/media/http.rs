//! The media host's HTTP side.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::serve::IncomingStream;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::MediaHost;
use super::tls::MediaListener;
use crate::addr::Addr;
use crate::world::hub::Hub;

/// What requests need.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) host: Arc<MediaHost>,
    pub(super) hub: Arc<Hub>,
}

/// A refusal, or a success in an unusual form.
pub(super) type Outcome = Result<Response, (StatusCode, &'static str)>;

/// Serves until cancelled.
pub(crate) async fn serve(listener: MediaListener, hub: Arc<Hub>, stop: CancellationToken) {
    let host = hub.with(|world| Arc::clone(&world.media));
    let router = Router::new()
        .fallback(answer)
        .with_state(Desk { host, hub })
        .into_make_service_with_connect_info::<Peer>();
    let served =
        axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled().await });
    if let Err(error) = served.await {
        tracing::error!(%error, "media port");
    }
}

/// Where a request comes from.
#[derive(Clone, Copy)]
struct Peer(IpAddr);

impl Connected<IncomingStream<'_, MediaListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, MediaListener>) -> Self {
        Self(stream.remote_addr().ip())
    }
}

async fn answer(
    State(desk): State<Desk>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
) -> Response {
    desk.log("media-request", None, json!({ "from": peer.0 }));
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let outcome = match parts.method {
        Method::POST | Method::PUT => desk.upload(&path, &query, body).await,
        Method::GET => desk.download(&path, &query),
        _ => Err((StatusCode::METHOD_NOT_ALLOWED, "method not allowed")),
    };
    match outcome {
        Ok(response) => response,
        Err((status, text)) => {
            let details = json!({
                "path": path, "method": parts.method.as_str(), "status": status.as_u16(),
                "why": text,
            });
            desk.hub
                .with(|world| world.seen.add("media-refused", None, details));
            (status, text).into_response()
        }
    }
}

impl Desk {
    /// Notes what an account's devices did here.
    pub(super) fn log(&self, kind: &'static str, phone: Option<&str>, details: Value) {
        // The token names an account, not one of its devices.
        let who = phone.map(Addr::phone);
        self.hub
            .with(|world| world.seen.add(kind, who.as_ref(), details));
    }
}

/// The bytes of a file.
pub(super) fn bytes(bytes: Vec<u8>) -> Response {
    let body = Body::from(bytes);
    ([("content-type", "application/octet-stream")], body).into_response()
}
