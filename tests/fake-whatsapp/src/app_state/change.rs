//! What a person changes on a phone, as app state.
//!
//! Indexes and values: `wacore-appstate/src/schemas.rs` and
//! `whatsapp-rust/src/features/{chat_actions,labels}.rs`.

use buffa::MessageField;
use serde::{Deserialize, Serialize};
use wacore_appstate::schemas::{self, Schema};
use wacore_binary::Jid;
use waproto::whatsapp::SyncActionValue;
use waproto::whatsapp::sync_action_value as action;

use super::collection::Mutation;
use crate::time::now_ms;

/// A change on a phone. Chats are phone numbers or JIDs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// A name in the address book.
    Contact {
        /// Whose.
        chat: String,
        /// The whole name.
        full_name: Option<String>,
        /// The first name.
        #[serde(default)]
        first_name: Option<String>,
    },
    /// A chat makes no noise, or makes noise again.
    Mute {
        /// Which one.
        chat: String,
        /// Muted from now on.
        on: bool,
        /// The end in milliseconds since 1970; for ever without.
        #[serde(default)]
        until_ms: Option<i64>,
    },
    /// A chat stays at the top, or does not.
    Pin {
        /// Which one.
        chat: String,
        /// Pinned from now on.
        on: bool,
    },
    /// A chat goes to the archive, or comes back.
    Archive {
        /// Which one.
        chat: String,
        /// Archived from now on.
        on: bool,
    },
    /// A chat is marked as read or unread.
    Read {
        /// Which one.
        chat: String,
        /// Read from now on.
        on: bool,
    },
    /// A message gets a star, or loses it.
    Star {
        /// Which one.
        #[serde(flatten)]
        message: MessageRef,
        /// Starred from now on.
        on: bool,
    },
    /// A chat is deleted, on all devices of the account.
    DeleteChat {
        /// Which one.
        chat: String,
    },
    /// The messages of a chat are deleted, on all devices of the account.
    ClearChat {
        /// Which one.
        chat: String,
    },
    /// A message is deleted, on all devices of the account.
    DeleteMessage {
        /// Which one.
        #[serde(flatten)]
        message: MessageRef,
    },
    /// A label is made, changed or deleted.
    Label {
        /// Which one.
        id: String,
        /// Its name.
        name: Option<String>,
        /// Number of its colour.
        #[serde(default)]
        color: i32,
        /// Deleted from now on.
        #[serde(default)]
        deleted: bool,
    },
    /// A chat gets a label, or loses it.
    LabelChat {
        /// Which label.
        label: String,
        /// Which chat.
        chat: String,
        /// Labelled from now on.
        on: bool,
    },
    /// A message gets a label, or loses it.
    LabelMessage {
        /// Which label.
        label: String,
        /// Which message.
        #[serde(flatten)]
        message: MessageRef,
        /// Labelled from now on.
        on: bool,
    },
    /// The name that others see.
    PushName {
        /// The name.
        name: String,
    },
}

/// A message in a chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRef {
    /// The chat.
    pub chat: String,
    /// The message id.
    pub id: String,
    /// Sent by this account.
    #[serde(default)]
    pub from_me: bool,
    /// The sender, in a group.
    #[serde(default)]
    pub participant: Option<String>,
}

/// A change as a mutation of a collection.
pub(crate) struct Plan {
    pub(crate) collection: &'static str,
    pub(crate) mutation: Mutation,
}

/// WhatsApp's number for a mute without an end
/// (`whatsapp-rust/src/features/chat_actions.rs`).
const FOR_EVER: i64 = -1;
/// The schema of labels on messages is not in the list of `wacore-appstate`; it is that of
/// labels on chats under another name, with a message in its index.
const LABEL_MESSAGE: Schema = Schema {
    name: "label_message",
    ..schemas::LABEL_JID
};

impl Change {
    /// The mutation that says this.
    pub(crate) fn plan(&self) -> Plan {
        let (schema, index, value) = self.parts();
        let index = std::iter::once(schema.name.to_owned())
            .chain(index)
            .collect();
        Plan {
            collection: schema.collection.as_str(),
            mutation: Mutation {
                index,
                value: SyncActionValue {
                    timestamp: i64::try_from(now_ms()).ok(),
                    ..value
                },
                schema_version: i32::try_from(schema.version).unwrap_or_default(),
            },
        }
    }

    fn parts(&self) -> (Schema, Vec<String>, SyncActionValue) {
        match self {
            Self::Contact {
                chat,
                full_name,
                first_name,
            } => {
                let contact = action::ContactAction {
                    full_name: full_name.clone(),
                    first_name: first_name.clone(),
                    save_on_primary_addressbook: Some(true),
                    ..Default::default()
                };
                let value = value(|value| value.contact_action = MessageField::some(contact));
                (schemas::CONTACT, vec![chat_jid(chat)], value)
            }
            Self::Mute { chat, on, until_ms } => {
                let mute = action::MuteAction {
                    muted: Some(*on),
                    mute_end_timestamp: on.then(|| until_ms.unwrap_or(FOR_EVER)),
                    ..Default::default()
                };
                let value = value(|value| value.mute_action = MessageField::some(mute));
                (schemas::MUTE, vec![chat_jid(chat)], value)
            }
            Self::Pin { chat, on } => {
                let pin = action::PinAction { pinned: Some(*on) };
                let value = value(|value| value.pin_action = MessageField::some(pin));
                (schemas::PIN, vec![chat_jid(chat)], value)
            }
            Self::Archive { chat, on } => {
                let archive = action::ArchiveChatAction {
                    archived: Some(*on),
                    ..Default::default()
                };
                let value = value(|value| value.archive_chat_action = MessageField::some(archive));
                (schemas::ARCHIVE, vec![chat_jid(chat)], value)
            }
            Self::Read { chat, on } => {
                let read = action::MarkChatAsReadAction {
                    read: Some(*on),
                    ..Default::default()
                };
                let value =
                    value(|value| value.mark_chat_as_read_action = MessageField::some(read));
                (schemas::MARK_CHAT_AS_READ, vec![chat_jid(chat)], value)
            }
            Self::Star { message, on } => {
                let star = action::StarAction { starred: Some(*on) };
                let value = value(|value| value.star_action = MessageField::some(star));
                (schemas::STAR, message.index(), value)
            }
            Self::DeleteChat { chat } => {
                let delete = action::DeleteChatAction::default();
                let value = value(|value| value.delete_chat_action = MessageField::some(delete));
                let index = vec![chat_jid(chat), "1".to_owned()];
                (schemas::DELETE_CHAT, index, value)
            }
            Self::ClearChat { chat } => {
                let clear = action::ClearChatAction::default();
                let value = value(|value| value.clear_chat_action = MessageField::some(clear));
                let index = vec![chat_jid(chat), "1".to_owned(), "0".to_owned()];
                (schemas::CLEAR_CHAT, index, value)
            }
            Self::DeleteMessage { message } => {
                let delete = action::DeleteMessageForMeAction {
                    delete_media: Some(true),
                    ..Default::default()
                };
                let value =
                    value(|value| value.delete_message_for_me_action = MessageField::some(delete));
                (schemas::DELETE_MESSAGE_FOR_ME, message.index(), value)
            }
            Self::Label {
                id,
                name,
                color,
                deleted,
            } => {
                let label = action::LabelEditAction {
                    name: name.clone(),
                    color: Some(*color),
                    deleted: Some(*deleted),
                    ..Default::default()
                };
                let value = value(|value| value.label_edit_action = MessageField::some(label));
                (schemas::LABEL_EDIT, vec![id.clone()], value)
            }
            Self::LabelChat { label, chat, on } => {
                let index = vec![label.clone(), chat_jid(chat)];
                (schemas::LABEL_JID, index, labelled(*on))
            }
            Self::LabelMessage { label, message, on } => {
                let index = std::iter::once(label.clone()).chain(message.index());
                (LABEL_MESSAGE, index.collect(), labelled(*on))
            }
            Self::PushName { name } => {
                let name = action::PushNameSetting {
                    name: Some(name.clone()),
                };
                let value = value(|value| value.push_name_setting = MessageField::some(name));
                (schemas::SETTING_PUSH_NAME, Vec::new(), value)
            }
        }
    }
}

fn value(set: impl FnOnce(&mut SyncActionValue)) -> SyncActionValue {
    let mut value = SyncActionValue::default();
    set(&mut value);
    value
}

fn labelled(on: bool) -> SyncActionValue {
    let association = action::LabelAssociationAction {
        labeled: Some(on),
        ..Default::default()
    };
    value(|value| value.label_association_action = MessageField::some(association))
}

impl MessageRef {
    fn index(&self) -> Vec<String> {
        let own = if self.from_me { "1" } else { "0" };
        let participant = self.participant.as_deref().map(chat_jid);
        vec![
            chat_jid(&self.chat),
            self.id.clone(),
            own.to_owned(),
            participant.unwrap_or_else(|| "0".to_owned()),
        ]
    }
}

/// A phone number as a JID; a JID as it is.
pub(crate) fn chat_jid(chat: &str) -> String {
    if chat.contains('@') {
        chat.to_owned()
    } else {
        Jid::pn(chat).to_string()
    }
}
