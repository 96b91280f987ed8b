//! A medium to send: an address, or the bytes in base64.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::api::body::Upload;
use crate::api::error::ApiError;
use crate::business::{File, ShownMedium};

/// What is nothing in particular (RFC 2046 § 4.5.1).
const UNKNOWN: &str = "application/octet-stream";
/// Takes base64 with and without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A medium.
#[derive(Debug)]
pub(super) enum Medium {
    /// Meta fetches it from there itself.
    Link(String),
    /// It has to be uploaded.
    Bytes {
        /// What the `data:` URL, or the part of the form, says that it is.
        mime_type: Option<String>,
        /// The bytes.
        bytes: Bytes,
    },
}

impl Medium {
    /// The file that came with the body, else what the client wrote into it.
    pub(super) fn of(
        file: Option<Upload>,
        written: Option<&str>,
        text: &str,
    ) -> Result<Self, ApiError> {
        match file {
            Some(file) if file.bytes.is_empty() => Err(ApiError::bad_request(text)),
            Some(file) => Ok(Self::Bytes {
                // Clients that don't know what it is say so.
                mime_type: file.content_type.filter(|kind| kind != UNKNOWN),
                bytes: file.bytes,
            }),
            None => Self::parse(written.unwrap_or_default(), text),
        }
    }

    /// Reads what the client wrote; `text` is what it is told if that is neither.
    fn parse(written: &str, text: &str) -> Result<Self, ApiError> {
        let written = written.trim();
        if written.starts_with("http://") || written.starts_with("https://") {
            return match url::Url::parse(written) {
                Ok(url) if url.has_host() => Ok(Self::Link(written.to_owned())),
                _ => Err(ApiError::bad_request(text)),
            };
        }
        let (mime_type, encoded) = match written.strip_prefix("data:") {
            Some(data) => match data.split_once(";base64,") {
                Some((mime_type, encoded)) => (Some(mime_type.to_owned()), encoded),
                None => return Err(ApiError::bad_request(text)),
            },
            None => (None, written),
        };
        let encoded: String = encoded.split_whitespace().collect();
        let bytes = BASE64.decode(encoded).unwrap_or_default();
        if bytes.is_empty() {
            return Err(ApiError::bad_request(text));
        }
        Ok(Self::Bytes {
            mime_type,
            bytes: bytes.into(),
        })
    }

    /// What Meta gets for it, what the contract shows of it, and the file to upload.
    pub(super) fn into_parts(
        self,
        mime_type: Option<String>,
        name: &str,
        kind: &'static str,
    ) -> (Value, ShownMedium, Option<File>) {
        match self {
            Self::Link(link) => (
                json!({ "link": link }),
                ShownMedium {
                    url: Some(link),
                    mimetype: mime_type,
                    ..ShownMedium::default()
                },
                None,
            ),
            Self::Bytes {
                mime_type: own,
                bytes,
            } => {
                let mime_type = mime_type
                    .or(own)
                    .or_else(|| of_extension(name).map(str::to_owned))
                    .unwrap_or_else(|| default_of(kind).to_owned());
                let shown = ShownMedium {
                    mimetype: Some(mime_type.clone()),
                    file_length: Some(bytes.len()),
                    ..ShownMedium::default()
                };
                let file = File {
                    name: name.to_owned(),
                    mime_type,
                    bytes,
                };
                (json!({}), shown, Some(file))
            }
        }
    }
}

/// What Meta takes, by the ending of its names:
/// <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media#supported-media-types>.
fn of_extension(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "aac" => "audio/aac",
        "amr" => "audio/amr",
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "ogg" | "opus" => "audio/ogg",
        "txt" => "text/plain",
        "csv" => "text/csv",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "ppt" => "application/vnd.ms-powerpoint",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "pdf" => "application/pdf",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "webp" => "image/webp",
        "3gp" => "video/3gpp",
        "mp4" => "video/mp4",
        _ => return None,
    })
}

/// What a medium of this kind is if nobody says so.
fn default_of(kind: &str) -> &'static str {
    match kind {
        "image" => "image/jpeg",
        "video" => "video/mp4",
        "audio" => "audio/ogg",
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_medium_is_an_address_or_bytes() {
        let parse = |text: &str| Medium::parse(text, "no");
        assert!(matches!(parse("https://a.test/x.png"), Ok(Medium::Link(_))));
        for text in ["aGk=", "aGk", "data:text/plain;base64,aGk=", " aG\nk= "] {
            let Ok(Medium::Bytes { bytes, .. }) = parse(text) else {
                panic!("{text}");
            };
            assert_eq!(&bytes[..], b"hi");
        }
        for bad in ["", "https://", "ftp://a", "not base64!", "data:,hi"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn who_says_what_it_is_wins_over_its_name() {
        let medium = || Medium::parse("data:image/webp;base64,aGk=", "no").unwrap();
        let kind = |asked: Option<&str>, medium: Medium| {
            let parts = medium.into_parts(asked.map(str::to_owned), "a.png", "image");
            parts.2.unwrap().mime_type
        };
        assert_eq!(kind(Some("image/gif"), medium()), "image/gif");
        assert_eq!(kind(None, medium()), "image/webp");
        let bare = || Medium::parse("aGk=", "no").unwrap();
        assert_eq!(kind(None, bare()), "image/png");
        let parts = bare().into_parts(None, "x", "video");
        assert_eq!(parts.2.unwrap().mime_type, "video/mp4");
    }
}
