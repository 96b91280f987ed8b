//! The end of a file that is always read as a whole: a mark, and a digest of place and content.

use bytes::Bytes;
use object_store::PutPayload;
use object_store::path::Path;
use ring::digest;

use crate::damage::Damage;

/// Says that a digest follows. The last byte is the version of the form.
const MARK: &[u8; 8] = b"pombal\0\x01";

/// How much of the SHA-256 is kept. Chance is what it has to tell, not an attacker.
const DIGEST_BYTES: usize = 24;

/// Bytes that [`seal`] adds.
pub(super) const BYTES: usize = MARK.len() + DIGEST_BYTES;

/// How many parts of the path count: `<shard>/<kind>/<file>`. What is above may be renamed.
const PLACE_PARTS: usize = 3;

/// The content with its end.
pub(super) fn seal(at: &Path, content: PutPayload) -> PutPayload {
    let content = Bytes::from(content);
    let end = [&MARK[..], &digest(at, &content)].concat();
    PutPayload::from_iter([content, end.into()])
}

/// The content without its end.
pub(super) fn open(at: &Path, stored: &Bytes) -> Result<Bytes, Damage> {
    let Some(length) = stored.len().checked_sub(BYTES) else {
        return Err(Damage::new(
            at,
            format!("only {} bytes are left", stored.len()),
        ));
    };
    let content = stored.slice(..length);
    let (mark, kept) = stored[length..].split_at(MARK.len());
    if mark != MARK {
        return Err(Damage::new(at, "its end is not what was written"));
    }
    if kept != digest(at, &content) {
        return Err(Damage::new(at, "its content is not what was written here"));
    }
    Ok(content)
}

fn digest(at: &Path, content: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut context = digest::Context::new(&digest::SHA256);
    let parts: Vec<_> = at.parts().collect();
    for part in &parts[parts.len().saturating_sub(PLACE_PARTS)..] {
        context.update(part.as_ref().as_bytes());
        context.update(b"/");
    }
    context.update(content);
    let mut kept = [0; DIGEST_BYTES];
    kept.copy_from_slice(&context.finish().as_ref()[..DIGEST_BYTES]);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_content_length_or_place_shows() {
        let at = Path::from("sessions/7/manifest/00000000000000000001.manifest");
        let sealed = Bytes::from(seal(&at, PutPayload::from_static(b"content")));
        assert_eq!(open(&at, &sealed).unwrap(), &b"content"[..]);
        let moved = Path::from("elsewhere/7/manifest/00000000000000000001.manifest");
        assert!(open(&moved, &sealed).is_ok(), "the root may be renamed");
        let other = Path::from("sessions/8/manifest/00000000000000000001.manifest");
        assert!(open(&other, &sealed).is_err(), "the shard may not");
        for at_byte in 0..sealed.len() {
            let mut flipped = sealed.to_vec();
            flipped[at_byte] ^= 1;
            assert!(open(&at, &flipped.into()).is_err(), "byte {at_byte}");
            assert!(
                open(&at, &sealed.slice(..at_byte)).is_err(),
                "cut at {at_byte}"
            );
        }
    }
}
