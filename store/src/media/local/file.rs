//! A medium in one file: a header of fixed length that holds the content type, then the bytes.
//! One file, so that the two can't come apart in a crash.

use bytes::Bytes;

use crate::media::MAX_CONTENT_TYPE_BYTES;

/// A byte of format, a byte of length, the content type, zeros.
pub(super) const HEADER_BYTES: u64 = 256;
const FORMAT: u8 = 1;

/// The header for a content type that was checked.
pub(super) fn header(content_type: &str) -> Bytes {
    let length = content_type.len().min(MAX_CONTENT_TYPE_BYTES);
    let mut header = Vec::with_capacity(HEADER_BYTES as usize);
    header.extend([FORMAT, length as u8]);
    header.extend(&content_type.as_bytes()[..length]);
    header.resize(HEADER_BYTES as usize, 0);
    header.into()
}

/// The content type in a header; none when it is not one.
pub(super) fn content_type(header: &[u8]) -> Option<String> {
    let [FORMAT, length, rest @ ..] = header else {
        return None;
    };
    let content_type = rest.get(..usize::from(*length))?;
    String::from_utf8(content_type.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_tells_the_content_type() {
        let longest = "x".repeat(MAX_CONTENT_TYPE_BYTES);
        for kind in ["image/jpeg", "audio/ogg; codecs=opus", &longest] {
            let header = header(kind);
            assert_eq!(header.len() as u64, HEADER_BYTES);
            assert_eq!(content_type(&header).as_deref(), Some(kind));
        }
        assert_eq!(content_type(b"\xFF\xD8\xFF"), None);
        assert_eq!(content_type(&[FORMAT, 200, b'x']), None);
        assert_eq!(content_type(b""), None);
    }
}
