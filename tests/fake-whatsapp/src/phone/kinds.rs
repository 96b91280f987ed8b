//! What a decrypted message is.

use buffa::Message as _;
use serde::{Deserialize, Serialize};
use wacore::messages::is_sender_key_distribution_only;
use wacore::proto_helpers::MessageExt as _;
use waproto::whatsapp as wa;
use waproto::whatsapp::message::protocol_message::Type as ProtocolType;

use crate::keys::{Key32, djb};

/// The kinds of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Words.
    #[default]
    Text,
    /// New words for an older message.
    Edit,
    /// An older message is gone, for everyone.
    Revoke,
    /// An emoji on an older message; an empty text takes it back.
    Reaction,
    /// A question with options.
    Poll,
    /// Options that someone chose in a poll.
    Vote,
    /// A place.
    Location,
    /// A contact card.
    Contact,
    /// A picture.
    Image,
    /// A film.
    Video,
    /// Sound.
    Audio,
    /// A file.
    Document,
    /// A sticker.
    Sticker,
    /// Anything else.
    Other,
}

/// An encrypted vote.
pub(super) struct SealedVote {
    pub(super) payload: Vec<u8>,
    pub(super) iv: Vec<u8>,
}

/// A message, read.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) kind: Kind,
    pub(super) text: String,
    /// Id of the older message that this one is about.
    pub(super) target: Option<String>,
    pub(super) quoted: Option<String>,
    pub(super) mentions: Vec<String>,
    pub(super) expiration: Option<u32>,
    pub(super) view_once: bool,
    pub(super) options: Vec<String>,
    pub(super) vote: Option<SealedVote>,
    /// Opens what others say about this message.
    pub(super) secret: Option<Key32>,
}

/// Reads a message. `None` for traffic between devices that no person sees.
pub(super) fn read(message: &wa::Message) -> Option<Reading> {
    let base = message.get_base_message();
    let mut reading = content(base)?;
    let context = context(base);
    reading.quoted = context.and_then(|context| context.stanza_id.clone());
    reading.mentions = context
        .map(|context| context.mentioned_jid.clone())
        .unwrap_or_default();
    reading.expiration = context.and_then(|context| context.expiration);
    reading.view_once = message.is_view_once();
    reading.secret = [message, base]
        .iter()
        .find_map(|message| {
            message
                .message_context_info
                .as_option()?
                .message_secret
                .as_ref()
        })
        .and_then(|secret| djb(secret).ok());
    Some(reading)
}

fn of(kind: Kind, text: impl Into<String>) -> Reading {
    Reading {
        kind,
        text: text.into(),
        ..Reading::default()
    }
}

fn content(message: &wa::Message) -> Option<Reading> {
    if let Some(protocol) = message.protocol_message.as_option() {
        return about_older(protocol);
    }
    if let Some(reaction) = message.reaction_message.as_option() {
        let mut reading = of(Kind::Reaction, reaction.text.clone().unwrap_or_default());
        reading.target = reaction.key.as_option().and_then(|key| key.id.clone());
        return Some(reading);
    }
    if let Some(update) = message.poll_update_message.as_option() {
        let mut reading = of(Kind::Vote, "");
        let key = update.poll_creation_message_key.as_option();
        reading.target = key.and_then(|key| key.id.clone());
        let vote = update.vote.as_option()?;
        reading.vote = Some(SealedVote {
            payload: vote.enc_payload.clone()?,
            iv: vote.enc_iv.clone()?,
        });
        return Some(reading);
    }
    if let Some(text) = message.text_content() {
        return Some(of(Kind::Text, text));
    }
    poll(message)
        .or_else(|| place_or_person(message))
        .or_else(|| media(message))
        .or_else(|| other(message))
}

fn about_older(protocol: &wa::message::ProtocolMessage) -> Option<Reading> {
    let target = protocol.key.as_option().and_then(|key| key.id.clone());
    let mut reading = match protocol.r#type {
        Some(ProtocolType::REVOKE) => of(Kind::Revoke, ""),
        Some(ProtocolType::MESSAGE_EDIT) => {
            let edited = protocol.edited_message.as_option()?.get_base_message();
            let text = edited.text_content().or_else(|| edited.get_caption());
            of(Kind::Edit, text.unwrap_or_default())
        }
        _ => return None,
    };
    reading.target = target;
    Some(reading)
}

fn poll(message: &wa::Message) -> Option<Reading> {
    let poll = [
        &message.poll_creation_message_v3,
        &message.poll_creation_message_v2,
        &message.poll_creation_message,
    ]
    .into_iter()
    .find_map(|poll| poll.as_option())?;
    let mut reading = of(Kind::Poll, poll.name.clone().unwrap_or_default());
    let options = poll.options.iter();
    reading.options = options
        .filter_map(|option| option.option_name.clone())
        .collect();
    Some(reading)
}

fn place_or_person(message: &wa::Message) -> Option<Reading> {
    if let Some(place) = message.location_message.as_option() {
        return Some(of(
            Kind::Location,
            format!(
                "{},{}",
                place.degrees_latitude.unwrap_or_default(),
                place.degrees_longitude.unwrap_or_default()
            ),
        ));
    }
    let card = message.contact_message.as_option()?;
    Some(of(
        Kind::Contact,
        card.display_name.clone().unwrap_or_default(),
    ))
}

fn media(message: &wa::Message) -> Option<Reading> {
    let kind = if message.image_message.is_set() {
        Kind::Image
    } else if message.video_message.is_set() {
        Kind::Video
    } else if message.audio_message.is_set() {
        Kind::Audio
    } else if message.document_message.is_set() {
        Kind::Document
    } else if message.sticker_message.is_set() {
        Kind::Sticker
    } else {
        return None;
    };
    Some(of(kind, message.get_caption().unwrap_or_default()))
}

fn other(message: &wa::Message) -> Option<Reading> {
    let mut rest = message.clone();
    if is_sender_key_distribution_only(&mut rest) {
        return None;
    }
    rest.message_context_info = Default::default();
    rest.sender_key_distribution_message = Default::default();
    (rest.encoded_len() > 0).then(|| of(Kind::Other, ""))
}

/// What a message says about itself: a quote, mentions, a lifetime.
fn context(message: &wa::Message) -> Option<&wa::ContextInfo> {
    if let Some(text) = message.extended_text_message.as_option() {
        return text.context_info.as_option();
    }
    if let Some(place) = message.location_message.as_option() {
        return place.context_info.as_option();
    }
    if let Some(card) = message.contact_message.as_option() {
        return card.context_info.as_option();
    }
    if let Some(image) = message.image_message.as_option() {
        return image.context_info.as_option();
    }
    if let Some(video) = message.video_message.as_option() {
        return video.context_info.as_option();
    }
    if let Some(audio) = message.audio_message.as_option() {
        return audio.context_info.as_option();
    }
    message
        .document_message
        .as_option()
        .and_then(|document| document.context_info.as_option())
}
