//! Files that a simulated phone sends: encrypted and uploaded as by a real one.

use buffa::MessageField;
use serde::{Deserialize, Serialize};
use wacore::download::MediaType;
use wacore::upload::{EncryptedMedia, encrypt_media};
use waproto::whatsapp as wa;

use crate::error::Error;
use crate::keys::b64;
use crate::media::Stored;
use crate::media::kind::Kind;
use crate::time::now_secs;
use crate::world::World;

/// What a file is shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MediaKind {
    /// An image.
    Image,
    /// A video.
    Video,
    /// A piece of music or speech.
    Audio,
    /// A voice note.
    Voice,
    /// Any file.
    Document,
    /// A sticker.
    Sticker,
}

/// A file to send.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Media {
    /// What it is shown as.
    pub kind: MediaKind,
    /// Its media type.
    pub mimetype: String,
    /// The text under it: images, videos and documents.
    #[serde(default)]
    pub caption: Option<String>,
    /// Its name: documents.
    #[serde(default)]
    pub file_name: Option<String>,
    /// The plain bytes; base64 in JSON.
    #[serde(rename = "base64", with = "b64")]
    pub bytes: Vec<u8>,
}

impl MediaKind {
    fn media_type(self) -> MediaType {
        match self {
            Self::Image => MediaType::Image,
            Self::Video => MediaType::Video,
            Self::Audio | Self::Voice => MediaType::Audio,
            Self::Document => MediaType::Document,
            Self::Sticker => MediaType::Sticker,
        }
    }
}

/// A file that a phone has uploaded.
pub(crate) struct Uploaded {
    pub(crate) secrets: EncryptedMedia,
    pub(crate) stored: Stored,
    /// Length of the plain bytes.
    pub(crate) length: u64,
}

impl World {
    /// Encrypts under a new key and uploads.
    pub(crate) fn phone_uploads(
        &self,
        media_type: MediaType,
        plain: &[u8],
    ) -> Result<Uploaded, Error> {
        let failed = |error: &dyn std::fmt::Display| Error::BadRequest(error.to_string());
        let kind = Kind::of(media_type).ok_or_else(|| failed(&"no such media type"))?;
        let secrets = encrypt_media(plain, media_type).map_err(|error| failed(&error))?;
        let stored = self.media.store(kind, &secrets.data_to_upload)?;
        Ok(Uploaded {
            secrets,
            stored,
            length: plain.len() as u64,
        })
    }

    /// A person sends a file. Returns the message id.
    pub(crate) fn phone_sends_media(
        &mut self,
        from: &str,
        to: &str,
        media: &Media,
        id: Option<&str>,
    ) -> Result<String, Error> {
        let uploaded = self.phone_uploads(media.kind.media_type(), &media.bytes)?;
        let message = media_message(media, uploaded);
        self.phone_sends(from, to, &message, id)
    }
}

macro_rules! file_message {
    ($kind:ident, $media:expr, $uploaded:expr, { $($more:tt)* }) => {
        MessageField::some($kind {
            url: Some($uploaded.stored.url),
            direct_path: Some($uploaded.stored.direct_path),
            mimetype: Some($media.mimetype.clone()),
            media_key: Some($uploaded.secrets.media_key.to_vec()),
            file_sha256: Some($uploaded.secrets.file_sha256.to_vec()),
            file_enc_sha256: Some($uploaded.secrets.file_enc_sha256.to_vec()),
            file_length: Some($uploaded.length),
            media_key_timestamp: i64::try_from(now_secs()).ok(),
            $($more)*
            ..Default::default()
        })
    };
}

fn media_message(media: &Media, uploaded: Uploaded) -> wa::Message {
    use wa::message::{AudioMessage, DocumentMessage, ImageMessage, StickerMessage, VideoMessage};
    let mut message = wa::Message::default();
    let caption = media.caption.clone();
    match media.kind {
        MediaKind::Image => {
            message.image_message = file_message!(ImageMessage, media, uploaded, { caption, });
        }
        MediaKind::Video => {
            let streaming_sidecar = uploaded.secrets.streaming_sidecar.clone();
            message.video_message = file_message!(VideoMessage, media, uploaded, {
                caption,
                streaming_sidecar,
            });
        }
        MediaKind::Audio | MediaKind::Voice => {
            let streaming_sidecar = uploaded.secrets.streaming_sidecar.clone();
            message.audio_message = file_message!(AudioMessage, media, uploaded, {
                ptt: Some(media.kind == MediaKind::Voice),
                streaming_sidecar,
            });
        }
        MediaKind::Document => {
            let file_name = media.file_name.clone();
            message.document_message = file_message!(DocumentMessage, media, uploaded, {
                caption,
                title: file_name.clone(),
                file_name,
            });
        }
        MediaKind::Sticker => {
            message.sticker_message = file_message!(StickerMessage, media, uploaded, {});
        }
    }
    message
}
