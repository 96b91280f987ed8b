//! A socket to WhatsApp that sends only while the tenure lasts.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use whatsapp_rust::transport::Transport;
use whatsapp_rust::wacore::stats::TransportResourceReport;

use super::Tenure;

/// Wraps a transport.
pub(crate) struct TenuredTransport {
    transport: Arc<dyn Transport>,
    tenure: Tenure,
}

impl TenuredTransport {
    pub(crate) fn wrap(transport: Arc<dyn Transport>, tenure: &Tenure) -> Arc<dyn Transport> {
        let tenure = tenure.clone();
        Arc::new(Self { transport, tenure })
    }
}

#[async_trait]
impl Transport for TenuredTransport {
    async fn send(&self, data: Bytes) -> anyhow::Result<()> {
        if let Err(ended) = self.tenure.check() {
            // Whatever it is about to say, it must not be said, nor anything after it.
            self.transport.disconnect().await;
            return Err(ended.into());
        }
        self.transport.send(data).await
    }

    async fn disconnect(&self) {
        self.transport.disconnect().await;
    }

    fn resource_report(&self) -> Option<TransportResourceReport> {
        self.transport.resource_report()
    }
}
