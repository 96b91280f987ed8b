//! A message that was sent, as the contract shows it (§ 2.5).

use pombal_domain::InstanceId;
use pombal_domain::event::{MessageKey, MessageStatus};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A message that Meta has taken: the answer of a send, and the data of its `send.message`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SentMessage {
    /// Its id is Meta's, its chat that of the account that Meta says has the number.
    pub key: MessageKey,
    /// The content.
    pub message: Shown,
    /// The name of the content's one field.
    pub message_type: &'static str,
    /// When Meta took it, in seconds since the Unix epoch.
    pub message_timestamp: u64,
    /// The instance.
    pub instance_id: InstanceId,
    /// `PENDING`: statuses follow as `messages.update`.
    pub status: MessageStatus,
    /// `unknown`.
    pub source: &'static str,
    /// What it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_info: Option<SentContext>,
    /// Who hears of its statuses, besides the instance's webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
}

/// What a sent message refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SentContext {
    /// The id of the message that it answers.
    pub stanza_id: String,
}

/// The content of a sent message: one field, called by its kind.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SentContent)]
#[expect(missing_docs, reason = "the names are the contract's")]
pub enum Shown {
    Conversation(String),
    ImageMessage(ShownMedium),
    DocumentMessage(ShownMedium),
    VideoMessage(ShownMedium),
    AudioMessage(ShownMedium),
    LocationMessage(ShownLocation),
    ContactMessage(ShownContact),
    ContactsArrayMessage(ShownContacts),
    ReactionMessage(ShownReaction),
    ButtonsMessage(ShownButtons),
    ListMessage(ShownList),
    TemplateMessage(ShownTemplate),
}

impl Shown {
    /// `messageType`: what the one field is called.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Conversation(_) => "conversation",
            Self::ImageMessage(_) => "imageMessage",
            Self::DocumentMessage(_) => "documentMessage",
            Self::VideoMessage(_) => "videoMessage",
            Self::AudioMessage(_) => "audioMessage",
            Self::LocationMessage(_) => "locationMessage",
            Self::ContactMessage(_) => "contactMessage",
            Self::ContactsArrayMessage(_) => "contactsArrayMessage",
            Self::ReactionMessage(_) => "reactionMessage",
            Self::ButtonsMessage(_) => "buttonsMessage",
            Self::ListMessage(_) => "listMessage",
            Self::TemplateMessage(_) => "templateMessage",
        }
    }
}

/// A medium: by its address, or as it was uploaded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SentMedium)]
pub struct ShownMedium {
    /// The address, if it was not uploaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What it is, as far as is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mimetype: Option<String>,
    /// How many bytes were uploaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_length: Option<usize>,
    /// The text below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// What the document is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// It is a voice message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ptt: Option<bool>,
}

/// A place.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SentLocation)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ShownLocation {
    pub degrees_latitude: f64,
    pub degrees_longitude: f64,
    pub name: String,
    pub address: String,
}

/// A contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SentContact)]
pub struct ShownContact {
    /// What the contact is called.
    pub display_name: String,
    /// A vCard 3.0.
    pub vcard: String,
}

/// Several contacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SentContacts)]
pub struct ShownContacts {
    /// How many they are.
    pub display_name: String,
    /// Each.
    pub contacts: Vec<ShownContact>,
}

/// A reaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SentReaction)]
pub struct ShownReaction {
    /// To what.
    pub key: MessageKey,
    /// The emoji; empty for one that is taken back.
    pub text: String,
}

/// Buttons.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SentButtons)]
pub struct ShownButtons {
    /// Above the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_text: Option<String>,
    /// Below the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer_text: Option<String>,
    /// As they came.
    #[schema(value_type = Vec<Object>)]
    pub buttons: Vec<Value>,
}

/// A list to choose from.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SentList)]
pub struct ShownList {
    /// Above the text.
    pub title: String,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What opens the list.
    pub button_text: String,
    /// Below the text.
    pub footer_text: String,
    /// As they came.
    #[schema(value_type = Vec<Object>)]
    pub sections: Vec<Value>,
}

/// A template.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = SentTemplate)]
pub struct ShownTemplate {
    /// What it is called.
    pub name: String,
    /// The code of its language.
    pub language: String,
    /// As they came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub components: Option<Vec<Value>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_the_name_of_the_field() {
        let medium = ShownMedium::default;
        let contact = || ShownContact {
            display_name: "Ana".into(),
            vcard: String::new(),
        };
        for shown in [
            Shown::Conversation("x".into()),
            Shown::ImageMessage(medium()),
            Shown::DocumentMessage(medium()),
            Shown::VideoMessage(medium()),
            Shown::AudioMessage(medium()),
            Shown::ContactMessage(contact()),
            Shown::ContactsArrayMessage(ShownContacts {
                display_name: "1 contacts".into(),
                contacts: vec![contact()],
            }),
            Shown::LocationMessage(ShownLocation {
                degrees_latitude: 1.0,
                degrees_longitude: 2.0,
                name: String::new(),
                address: String::new(),
            }),
            Shown::TemplateMessage(ShownTemplate {
                name: "hello".into(),
                language: "pt_BR".into(),
                components: None,
            }),
        ] {
            let json = serde_json::to_value(&shown).unwrap();
            let fields: Vec<_> = json.as_object().unwrap().keys().collect();
            assert_eq!(fields, [shown.kind()]);
        }
    }
}
