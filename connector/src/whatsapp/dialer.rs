//! The one place that opens WhatsApp sockets.

mod tunnelled;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::time::Instant;
use whatsapp_rust::async_channel::Receiver;
use whatsapp_rust::transport::{
    Connector, TokioWebSocketTransportFactory, Transport, TransportEvent, TransportFactory,
    default_tls_connector,
};

use crate::tenure::Tenure;
use crate::tenure::transport::TenuredTransport;
use crate::whatsapp::endpoint::Endpoint;
use crate::whatsapp::route::Route;

/// Makes [`Dialer`]s. All share one TLS configuration: building a root store per connection
/// costs more than the rest of the connection.
#[derive(Clone)]
pub(crate) struct Dial {
    shared: Arc<Shared>,
}

struct Shared {
    endpoint: Endpoint,
    /// For sockets through proxies.
    tls: Connector,
    /// Dials without a proxy.
    factory: TokioWebSocketTransportFactory,
}

impl Dial {
    pub(crate) fn new(endpoint: &Endpoint) -> Self {
        let factory = TokioWebSocketTransportFactory::new()
            .with_url(endpoint.as_str())
            .with_connector(default_tls_connector());
        Self {
            shared: Arc::new(Shared {
                endpoint: endpoint.clone(),
                tls: default_tls_connector(),
                factory,
            }),
        }
    }

    /// A dialer for one client, which dials and sends while the tenure of its shard lasts.
    pub(crate) fn dialer(&self, tenure: &Tenure, route: Route) -> Arc<Dialer> {
        Arc::new(Dialer {
            tenure: tenure.clone(),
            shared: Arc::clone(&self.shared),
            route,
            last: Mutex::new(DialResult::NotTried),
            transport: Mutex::new(None),
        })
    }
}

/// How the last dial of a client ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DialResult {
    /// None since the last look.
    NotTried,
    /// The socket opened, at this time.
    Opened(Instant),
    /// It did not, and why.
    Failed(String),
    /// Nobody answered in the client's time.
    TimedOut,
}

/// Opens the sockets of one client, and remembers how that went: the client emits no event
/// for a dial that fails.
pub(crate) struct Dialer {
    tenure: Tenure,
    shared: Arc<Shared>,
    route: Route,
    last: Mutex<DialResult>,
    transport: Mutex<Option<Arc<dyn Transport>>>,
}

impl Dialer {
    /// How the last dial ended; forgets it.
    pub(crate) fn take(&self) -> DialResult {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *last, DialResult::NotTried)
    }

    /// Closes the socket opened last, whatever the client is busy with.
    pub(crate) async fn cut(&self) {
        let transport = self
            .transport
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(transport) = transport {
            transport.disconnect().await;
        }
    }

    fn set(&self, result: DialResult) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = result;
    }
}

#[async_trait]
impl TransportFactory for Dialer {
    async fn create_transport(
        &self,
    ) -> anyhow::Result<(Arc<dyn Transport>, Receiver<TransportEvent>)> {
        // Overwritten by the outcome; stays when the client's own time-out drops this future.
        self.set(DialResult::TimedOut);
        self.tenure.check()?;
        let Shared {
            endpoint,
            tls,
            factory,
        } = &*self.shared;
        let result = match &self.route {
            Route::Direct => factory.create_transport().await,
            Route::Through(tunnel) => tunnelled::open(endpoint, tls, tunnel).await,
        };
        let result = result
            .map(|(transport, events)| (TenuredTransport::wrap(transport, &self.tenure), events));
        if let Ok((transport, _)) = &result {
            let kept = Some(Arc::clone(transport));
            *self
                .transport
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = kept;
        }
        self.set(match &result {
            Ok(_) => DialResult::Opened(Instant::now()),
            Err(error) => DialResult::Failed(format!("{error:#}")),
        });
        result
    }
}
