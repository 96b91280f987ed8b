//! Inbound messages: durable in the events queue before WhatsApp gets its ack.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use pombal_domain::{InstanceId, Settings};
use tokio::sync::watch;
use whatsapp_rust::types::durability_hook::{InboundDurabilityHook, InboundMessage};
use whatsapp_rust::{Client, Jid, Server};

use crate::convert::message;
use crate::publish::{self, PublisherHandle};

/// The client's durability hook: it acks a message only after this returned `Ok`.
///
/// It must never wait for an answer of the client: the client's receive path waits for it.
pub(super) struct InboundHook {
    pub(super) instance: InstanceId,
    pub(super) publisher: PublisherHandle,
    /// As of now: a change holds from the next message on.
    pub(super) settings: watch::Receiver<Settings>,
}

impl InboundHook {
    /// Publishes the events of a batch, in order. What the settings ignore has none.
    pub(super) async fn commit(&self, batch: &[InboundMessage]) -> Result<(), publish::Error> {
        let settings = self.settings.borrow().clone();
        let events = batch
            .iter()
            .filter(|inbound| is_told(&settings, &inbound.info.source.chat))
            .filter_map(|inbound| message::event(self.instance, inbound));
        self.publisher.tell(events).await
    }

    /// Marks messages as read that the settings want so.
    fn mark_read(&self, client: &Arc<Client>, batch: &[InboundMessage]) {
        let unread = unread(&self.settings.borrow(), batch);
        if unread.is_empty() {
            return;
        }
        let (instance, client) = (self.instance, Arc::clone(client));
        tokio::spawn(async move {
            for ((chat, sender), ids) in unread {
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                if let Err(error) = client.mark_as_read(&chat, sender.as_ref(), &ids).await {
                    tracing::warn!(instance.id = %instance, %error, "not marked as read");
                }
            }
        });
    }
}

/// Status updates all come from one chat (`Jid::status_broadcast`).
fn is_status(chat: &Jid) -> bool {
    *chat == Jid::status_broadcast()
}

/// Whether the settings have messages of this chat told. As in the original, status updates are
/// for who wants to read them.
fn is_told(settings: &Settings, chat: &Jid) -> bool {
    if is_status(chat) {
        settings.read_status
    } else {
        !(settings.groups_ignore && is_group(chat))
    }
}

/// Whether the chat is a group. What comes from broadcasts counts as one to the client library.
fn is_group(chat: &Jid) -> bool {
    chat.server == Server::Group
}

/// Message ids to mark as read, by chat and, where several people write, by sender.
fn unread(
    settings: &Settings,
    batch: &[InboundMessage],
) -> HashMap<(Jid, Option<Jid>), Vec<String>> {
    let mut unread: HashMap<_, Vec<String>> = HashMap::new();
    for inbound in batch {
        let source = &inbound.info.source;
        let wanted = if is_status(&source.chat) {
            settings.read_status
        } else {
            settings.read_messages && is_told(settings, &source.chat)
        };
        if wanted && !source.is_from_me {
            let sender = source.is_group.then(|| source.sender.clone());
            let key = (source.chat.clone(), sender);
            unread
                .entry(key)
                .or_default()
                .push(inbound.info.id.to_string());
        }
    }
    unread
}

#[async_trait]
impl InboundDurabilityHook for InboundHook {
    async fn on_messages(
        &self,
        client: Arc<Client>,
        batch: &[InboundMessage],
    ) -> anyhow::Result<()> {
        self.commit(batch).await?;
        self.mark_read(&client, batch);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use whatsapp_rust::types::message::{MessageInfo, MessageSource};
    use whatsapp_rust::waproto::whatsapp as wa;

    use super::*;

    const ANA: &str = "5511999990001@s.whatsapp.net";
    const GROUP: &str = "120363000000000001@g.us";
    const STATUS: &str = "status@broadcast";

    fn inbound(chat: &str, from_me: bool) -> InboundMessage {
        let source = MessageSource {
            chat: chat.parse().unwrap(),
            sender: ANA.parse().unwrap(),
            is_from_me: from_me,
            // As the client library has it.
            is_group: chat != ANA,
            ..MessageSource::default()
        };
        let info = MessageInfo {
            source,
            id: chat.into(),
            ..MessageInfo::default()
        };
        InboundMessage::builder()
            .message(Arc::new(wa::Message::default()))
            .info(Arc::new(info))
            .build()
    }

    /// The chats whose messages are marked as read.
    fn read(settings: Settings) -> Vec<String> {
        let mut batch: Vec<_> = [ANA, GROUP, STATUS].map(|chat| inbound(chat, false)).into();
        batch.extend([ANA, STATUS].map(|chat| inbound(chat, true)));
        let mut chats: Vec<_> = unread(&settings, &batch)
            .into_iter()
            .flat_map(|((chat, sender), ids)| {
                assert_eq!(
                    ids,
                    [chat.to_string()],
                    "one message, and none of one's own"
                );
                // Who wrote it counts where several people write.
                assert_eq!(sender.is_some(), chat.to_string() != ANA);
                ids
            })
            .collect();
        chats.sort();
        chats
    }

    #[test]
    fn status_updates_are_read_when_asked_to_and_no_other_messages() {
        let read_status = Settings {
            read_status: true,
            ..Settings::default()
        };
        assert_eq!(read(read_status), [STATUS]);
        let read_messages = Settings {
            read_messages: true,
            ..Settings::default()
        };
        assert_eq!(read(read_messages.clone()), [GROUP, ANA]);
        let without_groups = Settings {
            groups_ignore: true,
            ..read_messages
        };
        assert_eq!(read(without_groups), [ANA]);
        assert_eq!(read(Settings::default()), [] as [String; 0]);
    }

    #[test]
    fn groups_and_status_updates_are_told_as_the_settings_say() {
        let told = |groups_ignore, read_status| {
            let settings = Settings {
                groups_ignore,
                read_status,
                ..Settings::default()
            };
            [ANA, GROUP, STATUS].map(|chat| is_told(&settings, &chat.parse().unwrap()))
        };
        assert_eq!(told(false, false), [true, true, false]);
        assert_eq!(told(true, false), [true, false, false]);
        assert_eq!(told(false, true), [true, true, true]);
        assert_eq!(told(true, true), [true, false, true]);
    }
}
