//! Inbound messages: durable in the events queue before WhatsApp gets its ack.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use pombal_domain::InstanceId;
use whatsapp_rust::Client;
use whatsapp_rust::types::durability_hook::{InboundDurabilityHook, InboundMessage};

use crate::convert::message;
use crate::publish::{Fact, PublisherHandle};

/// The client's durability hook: it acks a message only after this returned `Ok`.
///
/// It must never wait for an answer of the client: the client's receive path waits for it.
pub(super) struct InboundHook {
    pub(super) instance: InstanceId,
    pub(super) publisher: PublisherHandle,
    pub(super) owner: Arc<Mutex<Option<String>>>,
}

impl InboundHook {
    /// The events of a batch, in order.
    pub(super) fn facts(&self, batch: &[InboundMessage]) -> Vec<Fact> {
        let sender = self
            .owner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        batch
            .iter()
            .filter_map(|inbound| message::event(self.instance, inbound))
            .map(|(id, body)| Fact {
                id,
                body,
                sender: sender.clone(),
                projection: None,
            })
            .collect()
    }
}

#[async_trait]
impl InboundDurabilityHook for InboundHook {
    async fn on_messages(
        &self,
        _client: Arc<Client>,
        batch: &[InboundMessage],
    ) -> anyhow::Result<()> {
        let facts = self.facts(batch);
        if !facts.is_empty() {
            self.publisher.publish(facts).await?;
        }
        Ok(())
    }
}
