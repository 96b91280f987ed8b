//! What a phone knows from before, as events show it.

use std::collections::HashMap;

use pombal_domain::event::{Contact, MessageData, MessageKey, MessageStatus, OldChat};
use pombal_domain::{InstanceId, MessageId};
use whatsapp_rust::Jid;
use whatsapp_rust::waproto::whatsapp as wa;
use whatsapp_rust::waproto::whatsapp::web_message_info::Status;

use crate::convert::message::content;

/// How people call themselves, by JID.
pub(crate) type Names = HashMap<String, String>;

/// A conversation's JID: by phone number if the phone says it, and its other identity.
fn chat_jid(chat: &wa::Conversation) -> (String, Option<String>) {
    let is_lid = chat.id.parse::<Jid>().is_ok_and(|jid| jid.is_lid());
    match (&chat.pn_jid, &chat.lid_jid) {
        (Some(phone), _) if is_lid => (phone.clone(), Some(chat.id.clone())),
        (_, lid) => (chat.id.clone(), lid.clone().filter(|lid| *lid != chat.id)),
    }
}

pub(crate) fn chat(instance: InstanceId, chat: &wa::Conversation) -> OldChat {
    OldChat {
        remote_jid: chat_jid(chat).0,
        instance_id: instance,
        name: name(chat),
        unread_messages: chat.unread_count,
    }
}

/// The contact behind a conversation that has a name.
pub(crate) fn contact(instance: InstanceId, chat: &wa::Conversation) -> Option<Contact> {
    let name = name(chat)?;
    let (remote_jid, _) = chat_jid(chat);
    Some(called(instance, remote_jid, name))
}

/// Somebody who calls themselves `name`.
pub(crate) fn called(instance: InstanceId, remote_jid: String, name: String) -> Contact {
    Contact {
        remote_jid,
        push_name: Some(name),
        profile_pic_url: None,
        instance_id: instance,
    }
}

fn name(chat: &wa::Conversation) -> Option<String> {
    let name = chat.name.clone().or_else(|| chat.display_name.clone());
    name.filter(|name| !name.is_empty())
}

/// A message of `chat`; `None` when it has no content: most of those say that something was
/// done in a group.
pub(crate) fn message(
    instance: InstanceId,
    chat: &wa::Conversation,
    old: &wa::WebMessageInfo,
    names: &Names,
) -> Option<MessageData> {
    let key = old.key.as_option()?;
    let (message_type, message, context_info) = content(old.message.as_option()?)?;
    let message_timestamp = old.message_timestamp?;
    let id = MessageId::from_wire(key.id.as_deref()?);
    let from_me = key.from_me.unwrap_or(false);
    let (remote_jid, remote_jid_alt) = chat_jid(chat);
    let participant = key.participant.clone().or_else(|| old.participant.clone());
    let author = participant.as_ref().unwrap_or(&chat.id);
    let push_name = old
        .push_name
        .clone()
        .or_else(|| names.get(author).filter(|_| !from_me).cloned());
    Some(MessageData {
        push_name: push_name.filter(|name| !name.is_empty()),
        status: old.status.map(status),
        message,
        context_info,
        message_type,
        message_timestamp,
        instance_id: instance,
        source: id.source().to_owned(),
        key: MessageKey {
            remote_jid,
            remote_jid_alt,
            from_me,
            id,
            participant,
            participant_alt: None,
            addressing_mode: None,
        },
    })
}

fn status(status: Status) -> MessageStatus {
    match status {
        Status::ERROR => MessageStatus::Error,
        Status::PENDING => MessageStatus::Pending,
        Status::SERVER_ACK => MessageStatus::ServerAck,
        Status::DELIVERY_ACK => MessageStatus::DeliveryAck,
        Status::READ => MessageStatus::Read,
        Status::PLAYED => MessageStatus::Played,
    }
}
