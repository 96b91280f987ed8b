//! Publishes receipts and acks as `messages.update`.

use std::sync::Arc;

use pombal_domain::event::EventBody;
use pombal_domain::{EventId, InstanceId, Settings};
use pombal_sessions::Session;
use tokio::sync::{mpsc, watch};
use whatsapp_rust::Jid;
use whatsapp_rust::traits::ProtocolStore;
use whatsapp_rust::types::events::Event;

use crate::convert::receipt;
use crate::publish::PublisherHandle;

/// Receipts published together.
const BATCH: usize = 64;

pub(super) struct ReceiptPump {
    pub(super) instance: InstanceId,
    pub(super) session: Session,
    pub(super) publisher: PublisherHandle,
    pub(super) settings: watch::Receiver<Settings>,
}

impl ReceiptPump {
    /// Runs until the client is gone or the publisher has stopped.
    pub(super) async fn run(self, mut receipts: mpsc::Receiver<Arc<Event>>) {
        let mut batch = Vec::with_capacity(BATCH);
        while receipts.recv_many(&mut batch, BATCH).await > 0 {
            let mut updates = Vec::with_capacity(batch.len());
            for event in batch.drain(..) {
                updates.extend(self.updates(&event).await);
            }
            if self.publisher.tell(updates).await.is_err() {
                return;
            }
        }
    }

    async fn updates(&self, event: &Event) -> Vec<(EventId, EventBody)> {
        match event {
            Event::Receipt(event)
                if event.source.is_group && self.settings.borrow().groups_ignore =>
            {
                Vec::new()
            }
            Event::Receipt(event) => {
                // The account's other devices tell what they have read as well, and the client
                // doesn't say whose receipt it is (`is_from_me` is never set on receipts).
                let chat = self.shown(&event.source.chat).await;
                let reader = if event.source.is_group {
                    &self.shown(&event.source.sender).await
                } else {
                    &chat
                };
                if self.publisher.is_own(reader) {
                    return Vec::new();
                }
                receipt::from_receipt(self.instance, event, &chat)
            }
            Event::ServerAck(ack) => match &ack.from {
                Some(chat) => vec![receipt::from_ack(
                    self.instance,
                    ack,
                    &self.shown(chat).await,
                )],
                None => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// The chat as messages show it: by phone number, when the session knows it.
    async fn shown(&self, chat: &Jid) -> String {
        let mapping = if chat.is_lid() {
            self.session
                .get_lid_mapping(chat.user.as_str())
                .await
                .ok()
                .flatten()
        } else {
            None
        };
        receipt::shown(chat, mapping.map(|mapping| mapping.phone_number))
    }
}
