//! What a person types on a simulated phone, and the message that it becomes.

use buffa::MessageField;
use serde::{Deserialize, Serialize};
use wacore::proto_helpers::MessageExt as _;
use wacore_binary::Jid;
use waproto::whatsapp as wa;
use waproto::whatsapp::message::protocol_message::Type as ProtocolType;

use super::chat::{chat_jid, group_of};
use super::content::text_message;
use super::held::InboxItem;
use crate::error::Error;
use crate::groups::Addressing;
use crate::time::now_ms;
use crate::world::World;

/// A message of any kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Draft {
    /// What it is.
    #[serde(flatten)]
    pub kind: DraftKind,
    /// Id of a message of the same chat to quote.
    #[serde(default)]
    pub quoted: Option<String>,
    /// Phone numbers to mention.
    #[serde(default)]
    pub mentions: Vec<String>,
    /// Lifetime in seconds.
    #[serde(default)]
    pub expiration: Option<u32>,
    /// To be seen once.
    #[serde(default)]
    pub view_once: bool,
}

/// The kinds of messages that a person types.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum DraftKind {
    /// Words.
    Text {
        /// The words.
        text: String,
    },
    /// New words for an own message.
    Edit {
        /// Its id.
        target: String,
        /// The new words.
        text: String,
    },
    /// Deletes a message for everyone: an own one, or as an admin any one.
    Revoke {
        /// Its id.
        target: String,
    },
    /// Reacts to a message.
    Reaction {
        /// Its id.
        target: String,
        /// An emoji; nothing takes the reaction back.
        text: String,
    },
    /// Asks a question.
    Poll {
        /// The question.
        name: String,
        /// The answers to choose from.
        options: Vec<String>,
        /// How many may be chosen; zero is any number.
        #[serde(default)]
        selectable: u32,
    },
    /// Chooses in a poll.
    Vote {
        /// Id of the poll.
        target: String,
        /// The chosen answers.
        options: Vec<String>,
    },
    /// A place.
    Location {
        /// Degrees north.
        latitude: f64,
        /// Degrees east.
        longitude: f64,
        /// What it is called.
        #[serde(default)]
        name: Option<String>,
    },
    /// A contact card.
    Contact {
        /// Name on the card.
        name: String,
        /// Phone number on the card.
        phone: String,
    },
}

impl From<DraftKind> for Draft {
    fn from(kind: DraftKind) -> Self {
        Self {
            kind,
            quoted: None,
            mentions: Vec::new(),
            expiration: None,
            view_once: false,
        }
    }
}

impl World {
    /// A person types any message on a simulated phone. Returns the message id.
    pub(crate) fn phone_drafts(
        &mut self,
        from: &str,
        to: &str,
        draft: &Draft,
        id: Option<&str>,
    ) -> Result<String, Error> {
        let message = self.composed(from, to, draft)?;
        self.phone_sends(from, to, &message, id)
    }

    fn composed(&self, from: &str, to: &str, draft: &Draft) -> Result<wa::Message, Error> {
        let mut message = self.body(from, to, &draft.kind)?;
        if let Some(context) = self.context_of(from, to, draft)?
            && !message.set_context_info(context)
        {
            return Err(Error::BadRequest(
                "this kind of message has no quote, mention or lifetime".to_owned(),
            ));
        }
        if draft.view_once {
            message = wa::Message {
                view_once_message_v2: MessageField::some(wa::message::FutureProofMessage {
                    message: MessageField::some(message),
                }),
                ..Default::default()
            };
        }
        Ok(message)
    }

    fn body(&self, from: &str, to: &str, kind: &DraftKind) -> Result<wa::Message, Error> {
        Ok(match kind {
            DraftKind::Text { text } => wa::Message {
                extended_text_message: MessageField::some(wa::message::ExtendedTextMessage {
                    text: Some(text.clone()),
                    ..Default::default()
                }),
                ..Default::default()
            },
            DraftKind::Edit { target, text } => {
                let (key, _) = self.key_of(from, to, target)?;
                let edit = wa::message::ProtocolMessage {
                    r#type: Some(ProtocolType::MESSAGE_EDIT),
                    edited_message: MessageField::some(text_message(text)),
                    timestamp_ms: i64::try_from(now_ms()).ok(),
                    ..Default::default()
                };
                protocol(key, edit)
            }
            DraftKind::Revoke { target } => {
                let (key, _) = self.key_of(from, to, target)?;
                let revoke = wa::message::ProtocolMessage {
                    r#type: Some(ProtocolType::REVOKE),
                    ..Default::default()
                };
                protocol(key, revoke)
            }
            DraftKind::Reaction { target, text } => {
                let (key, _) = self.key_of(from, to, target)?;
                let now = i64::try_from(now_ms()).unwrap_or_default();
                wacore::proto_helpers::build_reaction_message(key, text, now)
            }
            DraftKind::Poll {
                name,
                options,
                selectable,
            } => poll(name, options, *selectable),
            DraftKind::Vote { target, options } => self.vote(from, to, target, options)?,
            DraftKind::Location {
                latitude,
                longitude,
                name,
            } => wa::Message {
                location_message: MessageField::some(wa::message::LocationMessage {
                    degrees_latitude: Some(*latitude),
                    degrees_longitude: Some(*longitude),
                    name: name.clone(),
                    ..Default::default()
                }),
                ..Default::default()
            },
            DraftKind::Contact { name, phone } => wa::Message {
                contact_message: MessageField::some(wa::message::ContactMessage {
                    display_name: Some(name.clone()),
                    vcard: Some(vcard(name, phone)),
                    ..Default::default()
                }),
                ..Default::default()
            },
        })
    }

    fn vote(
        &self,
        from: &str,
        to: &str,
        target: &str,
        options: &[String],
    ) -> Result<wa::Message, Error> {
        let (key, _) = self.key_of(from, to, target)?;
        let vote = self.seal_vote(from, to, target, options)?;
        Ok(wa::Message {
            poll_update_message: MessageField::some(wa::message::PollUpdateMessage {
                poll_creation_message_key: MessageField::some(key),
                vote: MessageField::some(wa::message::PollEncValue {
                    enc_payload: Some(vote.payload),
                    enc_iv: Some(vote.iv),
                }),
                sender_timestamp_ms: i64::try_from(now_ms()).ok(),
                ..Default::default()
            }),
            ..Default::default()
        })
    }

    fn context_of(
        &self,
        from: &str,
        to: &str,
        draft: &Draft,
    ) -> Result<Option<wa::ContextInfo>, Error> {
        if draft.quoted.is_none() && draft.mentions.is_empty() && draft.expiration.is_none() {
            return Ok(None);
        }
        let mut context = wa::ContextInfo {
            expiration: draft.expiration,
            ..Default::default()
        };
        for phone in &draft.mentions {
            context
                .mentioned_jid
                .push(self.name_in(to, phone)?.to_string());
        }
        if let Some(id) = &draft.quoted {
            let (_, quoted) = self.key_of(from, to, id)?;
            context.stanza_id = Some(id.clone());
            context.participant = Some(self.name_in(to, quoted.sender(from))?.to_string());
            context.quoted_message = MessageField::some(text_message(&quoted.text));
        }
        Ok(Some(context))
    }

    /// How a phone names a message of a chat to the others.
    fn key_of(
        &self,
        from: &str,
        to: &str,
        id: &str,
    ) -> Result<(wa::MessageKey, &InboxItem), Error> {
        let missing = || Error::missing(format!("{from} has no message {id} in the chat {to}"));
        let index = self.index_of(from, to, Some(id)).ok_or_else(missing)?;
        let item = self.account(from)?.inbox.get(index).ok_or_else(missing)?;
        let participant = match group_of(to) {
            Some(_) if !item.from_me => Some(self.name_in(to, item.sender(from))?.to_string()),
            _ => None,
        };
        let key = wa::MessageKey {
            remote_jid: Some(chat_jid(to).to_string()),
            from_me: Some(item.from_me),
            id: Some(id.to_owned()),
            participant,
        };
        Ok((key, item))
    }

    /// A person as a chat names it.
    fn name_in(&self, chat: &str, phone: &str) -> Result<Jid, Error> {
        let account = self.account(phone)?;
        let lids = group_of(chat)
            .and_then(|jid| self.group(&jid))
            .is_some_and(|group| group.addressing == Addressing::Lid);
        Ok(if lids { account.lid(0) } else { account.jid(0) })
    }
}

fn protocol(key: wa::MessageKey, protocol: wa::message::ProtocolMessage) -> wa::Message {
    wa::Message {
        protocol_message: MessageField::some(wa::message::ProtocolMessage {
            key: MessageField::some(key),
            ..protocol
        }),
        ..Default::default()
    }
}

/// A poll with a new secret. With one choice it has the third form
/// (`whatsapp-rust/src/features/polls.rs`).
fn poll(name: &str, options: &[String], selectable: u32) -> wa::Message {
    let options = options
        .iter()
        .map(|option| wa::message::poll_creation_message::Option {
            option_name: Some(option.clone()),
            ..Default::default()
        })
        .collect();
    let poll = MessageField::some(wa::message::PollCreationMessage {
        name: Some(name.to_owned()),
        options,
        selectable_options_count: Some(selectable),
        ..Default::default()
    });
    let secret: [u8; 32] = rand::random();
    let mut message = wa::Message {
        message_context_info: MessageField::some(wa::MessageContextInfo {
            message_secret: Some(secret.to_vec()),
            ..Default::default()
        }),
        ..Default::default()
    };
    if selectable == 1 {
        message.poll_creation_message_v3 = poll;
    } else {
        message.poll_creation_message = poll;
    }
    message
}

fn vcard(name: &str, phone: &str) -> String {
    format!("BEGIN:VCARD\nVERSION:3.0\nFN:{name}\nTEL;type=CELL;waid={phone}:+{phone}\nEND:VCARD")
}
