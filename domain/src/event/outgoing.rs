//! Outgoing messages as the contract shows them.

use serde_json::{Map, Value, json};

use crate::command::SendText;
use crate::event::{MessageData, MessageKey, MessageStatus};
use crate::ids::InstanceId;
use crate::time::UnixMs;

/// The original's name for the account itself, in every language.
const OWN_PUSH_NAME: &str = "Você";

/// The contract's view of a text that is accepted: to be sent, or just sent.
#[must_use]
pub fn pending_text(instance: InstanceId, text: &SendText, at: UnixMs) -> MessageData {
    MessageData {
        key: MessageKey {
            remote_jid: text.to.jid(),
            remote_jid_alt: None,
            from_me: true,
            id: text.message_id.clone(),
            participant: None,
            participant_alt: None,
            addressing_mode: None,
        },
        push_name: Some(OWN_PUSH_NAME.to_owned()),
        status: Some(MessageStatus::Pending),
        message: json!({ "conversation": text.text }),
        context_info: context_info(text),
        message_type: "conversation".to_owned(),
        message_timestamp: at.seconds(),
        instance_id: instance,
        source: text.message_id.source().to_owned(),
    }
}

fn context_info(text: &SendText) -> Option<Value> {
    let mut info = Map::new();
    if let Some(quoted) = &text.quoted {
        info.insert("stanzaId".into(), json!(quoted.id));
        if let Some(participant) = &quoted.participant {
            info.insert("participant".into(), json!(participant));
        }
        if let Some(quoted_text) = &quoted.text {
            info.insert(
                "quotedMessage".into(),
                json!({ "conversation": quoted_text }),
            );
        }
    }
    if !text.mentioned.is_empty() {
        info.insert("mentionedJid".into(), json!(text.mentioned));
    }
    (!info.is_empty()).then_some(Value::Object(info))
}

#[cfg(test)]
mod tests {
    use crate::jid::{MessageId, Recipient};

    use super::*;

    #[test]
    fn a_pending_text_looks_like_the_originals() {
        let instance = InstanceId::random();
        let mut text = SendText {
            to: Recipient::parse("5511999990001").unwrap(),
            text: "olá".into(),
            message_id: MessageId::from_wire("3EB0000000000000000001"),
            delay_ms: 0,
            quoted: None,
            mentioned: Vec::new(),
        };
        let data = pending_text(instance, &text, UnixMs(1_700_000_000_999));
        assert_eq!(
            serde_json::to_value(data).unwrap(),
            json!({
                "key": {
                    "remoteJid": "5511999990001@s.whatsapp.net",
                    "fromMe": true,
                    "id": "3EB0000000000000000001",
                },
                "pushName": "Você",
                "status": "PENDING",
                "message": { "conversation": "olá" },
                "messageType": "conversation",
                "messageTimestamp": 1_700_000_000,
                "instanceId": instance,
                "source": "web",
            })
        );
        text.mentioned = vec!["1@s.whatsapp.net".into()];
        let info = pending_text(instance, &text, UnixMs(0)).context_info;
        assert_eq!(info, Some(json!({ "mentionedJid": ["1@s.whatsapp.net"] })));
    }
}
