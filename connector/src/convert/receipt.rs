//! Receipts and acks as events.

use pombal_domain::event::{EventBody, MessageStatus, MessageUpdate};
use pombal_domain::{EventId, InstanceId, MessageId};
use whatsapp_rust::Jid;
use whatsapp_rust::types::events::{Receipt, ServerAck};
use whatsapp_rust::types::presence::ReceiptType;

/// The updates that somebody else's receipt brings, one per message.
pub(crate) fn from_receipt(
    instance: InstanceId,
    receipt: &Receipt,
    chat: &str,
) -> Vec<(EventId, EventBody)> {
    let status = match receipt.r#type {
        // A client without active presence confirms with "inactive": delivered all the same.
        ReceiptType::Delivered | ReceiptType::Inactive => MessageStatus::DeliveryAck,
        ReceiptType::Read => MessageStatus::Read,
        ReceiptType::Played => MessageStatus::Played,
        ReceiptType::ServerError => MessageStatus::Error,
        _ => return Vec::new(),
    };
    let participant = receipt
        .source
        .is_group
        .then(|| receipt.source.sender.to_non_ad_string());
    receipt
        .message_ids
        .iter()
        .map(|id| update(instance, chat, id, participant.clone(), status, None))
        .collect()
}

/// The update that WhatsApp's own ack brings.
pub(crate) fn from_ack(instance: InstanceId, ack: &ServerAck, chat: &str) -> (EventId, EventBody) {
    let status = if ack.error.is_some() {
        MessageStatus::Error
    } else {
        MessageStatus::ServerAck
    };
    update(instance, chat, &ack.id, None, status, ack.error.clone())
}

/// The update for a message that could not be sent.
pub(crate) fn failed(
    instance: InstanceId,
    chat: &str,
    id: &MessageId,
    error: &str,
) -> (EventId, EventBody) {
    let error = Some(error.to_owned());
    update(
        instance,
        chat,
        id.as_str(),
        None,
        MessageStatus::Error,
        error,
    )
}

fn update(
    instance: InstanceId,
    chat: &str,
    id: &str,
    participant: Option<String>,
    status: MessageStatus,
    error: Option<String>,
) -> (EventId, EventBody) {
    // Each device of the recipient confirms; the first one is the news.
    let event_id = EventId::derive(
        instance,
        &[
            "messages.update",
            chat,
            id,
            participant.as_deref().unwrap_or(""),
            status.as_str(),
        ],
    );
    let body = EventBody::MessagesUpdate(MessageUpdate {
        key_id: MessageId::from_wire(id),
        remote_jid: chat.to_owned(),
        from_me: true,
        participant,
        status,
        instance_id: instance,
        error,
    });
    (event_id, body)
}

/// The JID that events show for `chat`: the one by phone number, when `phone` knows it.
pub(crate) fn shown(chat: &Jid, phone: Option<String>) -> String {
    match phone {
        Some(user) if chat.is_lid() => format!("{user}@s.whatsapp.net"),
        _ => chat.to_non_ad_string(),
    }
}
