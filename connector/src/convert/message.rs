//! Inbound messages as events.

use pombal_domain::event::{EventBody, MessageData, MessageKey, MessageStatus};
use pombal_domain::{EventId, InstanceId, MessageId};
use serde_json::Value;
use whatsapp_rust::Jid;
use whatsapp_rust::wacore::types::events::InboundMessage;
use whatsapp_rust::wacore::types::message::{AddressingMode, MessageSource};
use whatsapp_rust::waproto::whatsapp as wa;

use crate::convert::proto_json::to_json;

/// A field that travels with any message and says nothing of its kind.
const SIDE_FIELD: &str = "messageContextInfo";

/// The event that an inbound message is, with its id; `None` when it is protocol only.
pub(crate) fn event(
    instance: InstanceId,
    inbound: &InboundMessage,
) -> Option<(EventId, EventBody)> {
    let info = &inbound.info;
    let key = key(&info.source, &info.id);
    let body = match inbound.message.protocol_message.as_option() {
        Some(protocol) => protocol_event(protocol, &key)?,
        None => {
            let (message_type, message, context_info) = content(&inbound.message)?;
            EventBody::MessagesUpsert(Box::new(MessageData {
                key: key.clone(),
                push_name: (!info.push_name.is_empty()).then(|| info.push_name.clone()),
                status: Some(MessageStatus::DeliveryAck),
                message,
                context_info,
                message_type,
                message_timestamp: u64::try_from(info.timestamp.timestamp()).unwrap_or_default(),
                instance_id: instance,
                source: key.id.source().to_owned(),
            }))
        }
    };
    // A message id is unique within a chat and sender only.
    let sender = info.source.sender.to_non_ad_string();
    let chat = info.source.chat.to_non_ad_string();
    let id = EventId::derive(instance, &[body.name().dotted(), &chat, &sender, &info.id]);
    Some((id, body))
}

/// What names the message, with phone numbers preferred and LIDs beside them.
fn key(source: &MessageSource, id: &str) -> MessageKey {
    let chat_alt = if source.is_group {
        None
    } else if source.is_from_me {
        source.recipient_alt.as_ref()
    } else {
        source.sender_alt.as_ref()
    };
    let (remote_jid, remote_jid_alt) = prefer_phone(&source.chat, chat_alt);
    let (participant, participant_alt) = if source.is_group {
        let (jid, alt) = prefer_phone(&source.sender, source.sender_alt.as_ref());
        (Some(jid), alt)
    } else {
        (None, None)
    };
    MessageKey {
        remote_jid,
        remote_jid_alt,
        from_me: source.is_from_me,
        id: MessageId::from_wire(id),
        participant,
        participant_alt,
        addressing_mode: source.addressing_mode.as_ref().map(|mode| {
            match mode {
                AddressingMode::Pn => "pn",
                AddressingMode::Lid => "lid",
            }
            .to_owned()
        }),
    }
}

/// Two identities of one chat: the one by phone number first.
fn prefer_phone(jid: &Jid, alt: Option<&Jid>) -> (String, Option<String>) {
    let own = jid.to_non_ad_string();
    match alt {
        Some(alt) if jid.is_lid() && alt.is_pn() => (alt.to_non_ad_string(), Some(own)),
        Some(alt) => (own, Some(alt.to_non_ad_string())),
        None => (own, None),
    }
}

/// Kind, content and context of a message; `None` when it has no content.
pub(super) fn content(message: &wa::Message) -> Option<(String, Value, Option<Value>)> {
    let Value::Object(mut fields) = to_json(message) else {
        return None;
    };
    fields.remove("senderKeyDistributionMessage");
    let kind = fields
        .keys()
        .find(|name| name.as_str() != SIDE_FIELD)?
        .clone();
    let context_info = fields
        .get_mut(&kind)
        .and_then(Value::as_object_mut)
        .and_then(|content| content.remove("contextInfo"));
    // The contract shows both kinds of text as one.
    if kind == "extendedTextMessage"
        && let Some(text) = fields
            .get_mut(&kind)
            .and_then(|content| content.get_mut("text"))
    {
        let text = text.take();
        fields.remove(&kind);
        fields.insert("conversation".to_owned(), text);
        return Some((
            "conversation".to_owned(),
            Value::Object(fields),
            context_info,
        ));
    }
    Some((kind, Value::Object(fields), context_info))
}

/// Revokes and edits. Everything else that travels as a protocol message (key shares, history
/// notifications, settings) is between clients and phones.
fn protocol_event(protocol: &wa::message::ProtocolMessage, key: &MessageKey) -> Option<EventBody> {
    use wa::message::protocol_message::Type;
    let target = protocol.key.as_option()?.id.clone()?;
    match protocol.r#type? {
        Type::Revoke => Some(EventBody::MessagesDelete(MessageKey {
            id: MessageId::from_wire(target),
            ..key.clone()
        })),
        Type::MessageEdit => Some(EventBody::MessagesEdited(to_json(protocol))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use whatsapp_rust::prelude::MessageBuilderExt;
    use whatsapp_rust::types::message::MessageInfo;
    use whatsapp_rust::waproto::buffa::MessageField;

    use super::*;

    fn inbound(chat: &str, sender_alt: Option<&str>, message: wa::Message) -> InboundMessage {
        let source = MessageSource {
            chat: chat.parse().unwrap(),
            sender: chat.parse().unwrap(),
            sender_alt: sender_alt.map(|jid| jid.parse().unwrap()),
            ..MessageSource::default()
        };
        let info = MessageInfo {
            source,
            id: "3EB0AA".into(),
            push_name: "Ana".into(),
            ..MessageInfo::default()
        };
        InboundMessage::builder()
            .message(Arc::new(message))
            .info(Arc::new(info))
            .build()
    }

    #[test]
    fn a_text_is_a_conversation_under_the_phone_number() {
        let instance = InstanceId::random();
        let message = inbound(
            "100000000000001@lid",
            Some("5511999990001@s.whatsapp.net"),
            wa::Message::text("hi"),
        );
        let (id, body) = event(instance, &message).unwrap();
        assert_eq!(event(instance, &message).unwrap().0, id);
        let data = body.data();
        assert_eq!(data["key"]["remoteJid"], "5511999990001@s.whatsapp.net");
        assert_eq!(data["key"]["remoteJidAlt"], "100000000000001@lid");
        assert_eq!(data["message"], json!({ "conversation": "hi" }));
        assert_eq!(data["messageType"], "conversation");
        assert_eq!(data["pushName"], "Ana");
    }

    #[test]
    fn an_extended_text_is_shown_as_conversation_with_its_context() {
        let text = wa::message::ExtendedTextMessage {
            text: Some("re".into()),
            context_info: MessageField::some(wa::ContextInfo {
                stanza_id: Some("3EB0BB".into()),
                ..Default::default()
            }),
            ..Default::default()
        };
        let message = wa::Message {
            extended_text_message: MessageField::some(text),
            ..Default::default()
        };
        let (_, body) = event(
            InstanceId::random(),
            &inbound("5511@s.whatsapp.net", None, message),
        )
        .unwrap();
        let data = body.data();
        assert_eq!(data["message"], json!({ "conversation": "re" }));
        assert_eq!(data["contextInfo"], json!({ "stanzaId": "3EB0BB" }));
    }

    #[test]
    fn protocol_messages_are_no_events() {
        let share = wa::Message {
            protocol_message: MessageField::some(wa::message::ProtocolMessage {
                r#type: Some(wa::message::protocol_message::Type::AppStateSyncKeyShare),
                ..Default::default()
            }),
            ..Default::default()
        };
        assert_eq!(
            event(
                InstanceId::random(),
                &inbound("5511@s.whatsapp.net", None, share)
            ),
            None
        );
        let empty = wa::Message::default();
        assert_eq!(
            event(
                InstanceId::random(),
                &inbound("5511@s.whatsapp.net", None, empty)
            ),
            None
        );
    }
}
