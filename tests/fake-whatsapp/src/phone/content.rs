//! The message inside the encryption.

use buffa::{Message as _, MessageField};
use sha2::{Digest as _, Sha256};
use wacore::messages::{MessageUtils, decode_plaintext};
use waproto::whatsapp as wa;

use crate::error::Error;
use crate::keys::Key32;

/// Every client pads with version 2 (`wacore/src/messages.rs`).
const PADDING_VERSION: u8 = 2;

/// A decrypted message.
pub(crate) struct Content {
    /// The message, without the wrapper that own devices get.
    pub(crate) message: wa::Message,
    /// Where an own device sent it, when this is a copy.
    pub(crate) destination: Option<String>,
}

impl Content {
    /// Decodes a padded plaintext.
    pub(crate) fn decode(plaintext: &[u8]) -> Result<Self, Error> {
        let mut message = decode_plaintext(plaintext, PADDING_VERSION)
            .map_err(|error| Error::Proto(error.to_string()))?;
        match message.device_sent_message.take() {
            Some(sent) => Ok(Self {
                destination: sent.destination_jid,
                message: sent.message.into_option().unwrap_or_default(),
            }),
            None => Ok(Self {
                message,
                destination: None,
            }),
        }
    }

    /// The text, if it is a text message.
    pub(crate) fn text(&self) -> Option<&str> {
        self.message.conversation.as_deref().or_else(|| {
            self.message
                .extended_text_message
                .as_option()?
                .text
                .as_deref()
        })
    }

    /// A hash that is equal for equal contents. The context holds a secret that is drawn anew
    /// for every encryption, so it does not count.
    pub(crate) fn fingerprint(&self) -> Key32 {
        let mut message = self.message.clone();
        message.message_context_info = MessageField::default();
        Key32(Sha256::digest(message.encode_to_vec()).into())
    }
}

/// A text message, encoded and padded.
pub(crate) fn text_message(text: &str) -> wa::Message {
    wa::Message {
        conversation: Some(text.to_owned()),
        ..Default::default()
    }
}

/// Encodes and pads.
pub(crate) fn padded(message: &wa::Message) -> Vec<u8> {
    MessageUtils::encode_and_pad(message)
}

/// The copy for an own device of a message to `destination`.
pub(crate) fn device_sent(message: wa::Message, destination: String) -> wa::Message {
    wa::Message {
        device_sent_message: MessageField::some(wa::message::DeviceSentMessage {
            destination_jid: Some(destination),
            message: MessageField::some(message),
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_have_the_same_fingerprint() {
        let direct = Content::decode(&padded(&text_message("hi"))).expect("direct");
        let copy = device_sent(text_message("hi"), "55@s.whatsapp.net".to_owned());
        let copy = Content::decode(&padded(&copy)).expect("copy");
        assert_eq!(copy.destination.as_deref(), Some("55@s.whatsapp.net"));
        assert_eq!(copy.text(), Some("hi"));
        assert!(direct.fingerprint() == copy.fingerprint());
        let other = Content::decode(&padded(&text_message("ho"))).expect("other");
        assert!(direct.fingerprint() != other.fingerprint());
    }
}
