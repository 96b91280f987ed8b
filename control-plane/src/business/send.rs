//! Sending a message through the Graph API.

use pombal_domain::event::{MessageKey, MessageStatus};
use pombal_domain::time::UnixMs;
use pombal_domain::{Business, EventId, EventName, Instance, MessageId};

use super::inbound::{jid, list, text};
use super::stream::Fact;
use super::{BusinessError, Cloud, Draft, SentContext, SentMessage};
use crate::business::graph::GraphError;

impl Cloud {
    /// Sends a message to the phone number `to`, in digits. Returns the contract's view of it
    /// (§ 2.5) when Meta has taken it and its `send.message` is in the events queue.
    ///
    /// It is sent once: only when nothing has reached Meta is it tried again.
    ///
    /// # Errors
    /// [`BusinessError`]. After [`GraphError::NoAnswer`] Meta may have it all the same; after
    /// one of the queue or the registry, it has.
    pub async fn send(
        &self,
        row: &Instance,
        business: &Business,
        to: &str,
        draft: Draft,
    ) -> Result<SentMessage, BusinessError> {
        let token = self.token(row).await?;
        let number = &business.phone_number;
        let graph = &self.0.graph;
        let uploaded = match &draft.file {
            Some(file) => Some(graph.upload(number, &token, file).await?),
            None => None,
        };
        let body = draft.body(to, uploaded.as_deref());
        let answer = graph.send(number, &token, &body).await?;
        let id = list(&answer, "messages")
            .find_map(|message| text(message, "id"))
            .ok_or(GraphError::Unreadable { status: 200 })?;
        // Meta knows some numbers without a digit that callers dial, and says so.
        let person = list(&answer, "contacts").find_map(|contact| text(contact, "wa_id"));
        let sent = sent(row, id, jid(person.unwrap_or(to)), draft);
        if let Some(url) = &sent.webhook_url {
            self.0.registry.put_hook(row.id, id, url).await?;
        }
        let fact = Fact {
            id: EventId::derive(row.id, &[EventName::SendMessage.dotted(), id]),
            event: EventName::SendMessage,
            data: serde_json::to_value(&sent).map_err(BusinessError::Encode)?,
            only_to: None,
        };
        self.0.stream.publish(row, vec![fact]).await?;
        Ok(sent)
    }
}

/// The contract's view of a message that Meta has taken.
fn sent(row: &Instance, id: &str, remote_jid: String, draft: Draft) -> SentMessage {
    SentMessage {
        key: MessageKey {
            remote_jid,
            remote_jid_alt: None,
            from_me: true,
            id: MessageId::from_wire(id),
            participant: None,
            participant_alt: None,
            addressing_mode: None,
        },
        message_type: draft.shown.kind(),
        message: draft.shown,
        message_timestamp: UnixMs::now().seconds(),
        instance_id: row.id,
        status: MessageStatus::Pending,
        source: "unknown",
        context_info: draft.quoted.map(|stanza_id| SentContext { stanza_id }),
        webhook_url: draft.webhook_url,
    }
}
