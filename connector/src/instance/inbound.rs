//! Inbound messages: durable in the events queue before WhatsApp gets its ack.

use std::sync::Arc;

use async_trait::async_trait;
use pombal_domain::InstanceId;
use whatsapp_rust::Client;
use whatsapp_rust::types::durability_hook::{InboundDurabilityHook, InboundMessage};

use crate::convert::message;
use crate::publish::{self, PublisherHandle};

/// The client's durability hook: it acks a message only after this returned `Ok`.
///
/// It must never wait for an answer of the client: the client's receive path waits for it.
pub(super) struct InboundHook {
    pub(super) instance: InstanceId,
    pub(super) publisher: PublisherHandle,
}

impl InboundHook {
    /// Publishes the events of a batch, in order.
    pub(super) async fn commit(&self, batch: &[InboundMessage]) -> Result<(), publish::Error> {
        let events = batch
            .iter()
            .filter_map(|inbound| message::event(self.instance, inbound));
        self.publisher.tell(events).await
    }
}

#[async_trait]
impl InboundDurabilityHook for InboundHook {
    async fn on_messages(
        &self,
        _client: Arc<Client>,
        batch: &[InboundMessage],
    ) -> anyhow::Result<()> {
        Ok(self.commit(batch).await?)
    }
}
