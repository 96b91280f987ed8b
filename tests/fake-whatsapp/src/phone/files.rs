//! Files of messages, as a simulated phone keeps them: downloaded, checked and decrypted.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use wacore::download::{DownloadUtils, Downloadable};
use waproto::whatsapp as wa;

use super::media::MediaKind;
use crate::addr::Addr;
use crate::error::Error;
use crate::media::blobs::Found;
use crate::media::{MediaHost, Refused, name_of};
use crate::store::Bucket;
use crate::world::World;

/// The media host's folder for what phones decrypted. No path leads there.
const PLAIN_FOLDER: &str = "plain";

/// What a phone knows about the file of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneFile {
    /// What it is.
    pub kind: MediaKind,
    /// Its media type, as the sender states it.
    pub mimetype: Option<String>,
    /// Its name: documents have one.
    pub file_name: Option<String>,
    /// The text under it.
    pub caption: Option<String>,
    /// Length of the plain bytes.
    pub bytes: u64,
}

/// The file in a message.
struct Attachment<'m> {
    file: &'m dyn Downloadable,
    about: PhoneFile,
}

/// Why a phone can't show a file.
enum Unreadable {
    /// It is not on the host any more: nobody's fault.
    Gone,
    /// The sender got something wrong.
    Wrong(String),
}

impl World {
    /// The phone has a message: if there is a file in it, it downloads that.
    pub(crate) fn phone_keeps_file(&mut self, phone: &str, id: &str, message: &wa::Message) {
        let Some(attachment) = attachment(message) else {
            return;
        };
        let details = json!({"id": id, "media": attachment.about.kind});
        match open(&self.media, attachment.file) {
            Ok(plain) => {
                if let Err(error) = self.keep_file(phone, id, attachment.about, &plain) {
                    tracing::error!(%error, "file not kept");
                }
            }
            Err(Unreadable::Gone) => {
                self.seen
                    .add("media-gone", Some(&Addr::phone(phone)), details);
            }
            Err(Unreadable::Wrong(why)) => {
                self.break_rule("media-unreadable", format!("{phone}, message {id}: {why}"));
            }
        }
    }

    /// Keeps the plain bytes of a message's file.
    pub(crate) fn keep_file(
        &mut self,
        phone: &str,
        id: &str,
        mut about: PhoneFile,
        plain: &[u8],
    ) -> Result<(), Error> {
        about.bytes = plain.len() as u64;
        let name = plain_name(phone, id);
        self.media.blobs.put(PLAIN_FOLDER, &name, plain)?;
        self.store
            .put(Bucket::File, format!("{phone}/{id}"), &about);
        let account = self.account_mut(phone)?;
        account.files.insert(id.to_owned(), about);
        Ok(())
    }

    /// The file of a message, and its plain bytes.
    pub(crate) fn phone_file(&self, phone: &str, id: &str) -> Result<(PhoneFile, Vec<u8>), Error> {
        let missing = || Error::missing(format!("{phone} has no file of message {id}"));
        let about = self.account(phone)?.files.get(id).ok_or_else(missing)?;
        match self.media.blobs.get(PLAIN_FOLDER, &plain_name(phone, id)) {
            Found::Bytes(bytes) => Ok((about.clone(), bytes)),
            _ => Err(missing()),
        }
    }
}

/// Message ids are free text; file names are not.
fn plain_name(phone: &str, id: &str) -> String {
    name_of(format!("{phone}/{id}").as_bytes())
}

fn attachment(message: &wa::Message) -> Option<Attachment<'_>> {
    let about = |kind, mimetype: &Option<String>, caption: &Option<String>| PhoneFile {
        kind,
        mimetype: mimetype.clone(),
        file_name: None,
        caption: caption.clone(),
        bytes: 0,
    };
    if let Some(image) = message.image_message.as_option() {
        let about = about(MediaKind::Image, &image.mimetype, &image.caption);
        return Some(Attachment { file: image, about });
    }
    if let Some(video) = message.video_message.as_option() {
        let about = about(MediaKind::Video, &video.mimetype, &video.caption);
        return Some(Attachment { file: video, about });
    }
    if let Some(audio) = message.audio_message.as_option() {
        let kind = if audio.ptt == Some(true) {
            MediaKind::Voice
        } else {
            MediaKind::Audio
        };
        let about = about(kind, &audio.mimetype, &None);
        return Some(Attachment { file: audio, about });
    }
    if let Some(sticker) = message.sticker_message.as_option() {
        let about = about(MediaKind::Sticker, &sticker.mimetype, &None);
        return Some(Attachment {
            file: sticker,
            about,
        });
    }
    if let Some(document) = message.document_message.as_option() {
        let mut about = about(MediaKind::Document, &document.mimetype, &document.caption);
        about.file_name.clone_from(&document.file_name);
        return Some(Attachment {
            file: document,
            about,
        });
    }
    let wrapped = message.document_with_caption_message.as_option()?;
    attachment(wrapped.message.as_option()?)
}

/// Downloads and decrypts, with every check that a phone makes.
fn open(host: &MediaHost, file: &dyn Downloadable) -> Result<Vec<u8>, Unreadable> {
    let wrong = |why: &str| Unreadable::Wrong(why.to_owned());
    let path = file.direct_path().ok_or_else(|| wrong("no direct path"))?;
    let (_, encrypted) = host.fetch(path).map_err(|refused| match refused {
        Refused::Gone => Unreadable::Gone,
        Refused::Unknown => wrong("the file was never uploaded"),
        Refused::Signature => wrong("the direct path is not the host's"),
    })?;
    if file.file_enc_sha256() != Some(Sha256::digest(&encrypted).as_slice()) {
        return Err(wrong("wrong hash of the encrypted bytes"));
    }
    let key = file.media_key().ok_or_else(|| wrong("no media key"))?;
    let plain = DownloadUtils::verify_and_decrypt(&encrypted, key, file.app_info())
        .map_err(|error| Unreadable::Wrong(error.to_string()))?;
    if file.file_sha256() != Some(Sha256::digest(&plain).as_slice()) {
        return Err(wrong("wrong hash of the plain bytes"));
    }
    if file.file_length() != Some(plain.len() as u64) {
        return Err(wrong("wrong length of the plain bytes"));
    }
    Ok(plain)
}
