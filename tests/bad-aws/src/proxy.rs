//! The proxy itself.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use http::Request;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::harm::Shared;
use crate::log::Log;
use crate::rule::{Happened, Rule};
use crate::upstream::Upstream;

/// A proxy that runs. Stops when dropped.
pub struct BadAws {
    endpoint: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl BadAws {
    /// Starts a proxy in front of `upstream`, an address like `AWS_ENDPOINT_URL`, on a free
    /// port of the loopback. Its rules take their chances from `seed`.
    ///
    /// # Errors
    /// When no port is free, or no HTTP client can be made.
    pub async fn start(upstream: &str, seed: u64) -> io::Result<Self> {
        let upstream = Upstream::new(upstream).map_err(io::Error::other)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared::new(upstream, seed));
        let task = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self {
            endpoint,
            shared,
            task,
        })
    }

    /// What clients take for AWS.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Adds a rule for the requests that come from now on.
    pub fn add(&self, rule: Rule) -> Happened {
        self.shared.rules().add(rule)
    }

    /// Takes all rules away. What they owe stays: messages that are to come once more.
    pub fn heal(&self) {
        self.shared.rules().clear();
    }

    /// The requests until now.
    #[must_use]
    pub fn log(&self) -> Log {
        self.shared.log().clone()
    }
}

impl Drop for BadAws {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Ends its connections with itself.
async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, Arc::clone(&shared)));
            }
            Err(error) => tracing::warn!(%error, "no connection"),
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(|request: Request<Incoming>| {
        let shared = Arc::clone(&shared);
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
            shared.answer(parts, body).await
        }
    });
    // Ends with an error where it is cut on purpose.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
