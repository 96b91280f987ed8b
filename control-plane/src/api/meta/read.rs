//! Reading what Meta posts, even if a text in it is broken: what stands beside that must arrive.

use serde_json::Value;

/// What stands for half a character (Unicode: REPLACEMENT CHARACTER), as JSON escapes it.
const REPLACEMENT: &[u8] = b"\\ufffd";
/// Bytes of an escape `\uXXXX`.
const ESCAPE: usize = 6;

/// The body as JSON. Bytes that are no UTF-8, and halves of surrogate pairs, which names have
/// that were cut off in an emoji, become U+FFFD.
///
/// # Errors
/// It is no JSON.
pub(super) fn read(body: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(body)
        .or_else(|_| serde_json::from_slice(&mended(String::from_utf8_lossy(body).as_bytes())))
}

/// JSON without halves of surrogate pairs (RFC 8259 § 8.2).
fn mended(json: &[u8]) -> Vec<u8> {
    let mut mended = Vec::with_capacity(json.len());
    let mut rest = json;
    while let Some(&byte) = rest.first() {
        let next = || rest.get(ESCAPE..).and_then(surrogate);
        let (taken, written) = match surrogate(rest) {
            Some(Half::High) if matches!(next(), Some(Half::Low)) => {
                (2 * ESCAPE, &rest[..2 * ESCAPE])
            }
            Some(_) => (ESCAPE, REPLACEMENT),
            // With what it escapes: another backslash begins nothing.
            None if byte == b'\\' && rest.len() > 1 => (2, &rest[..2]),
            None => (1, &rest[..1]),
        };
        mended.extend_from_slice(written);
        rest = &rest[taken..];
    }
    mended
}

enum Half {
    High,
    Low,
}

/// The half of a pair that `json` begins with.
fn surrogate(json: &[u8]) -> Option<Half> {
    let digits = json.get(..ESCAPE)?.strip_prefix(b"\\u")?;
    let digits = std::str::from_utf8(digits).ok()?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xd800..=0xdbff => Some(Half::High),
        0xdc00..=0xdfff => Some(Half::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn half_a_character_costs_no_more_than_itself() {
        for (text, wanted) in [
            (r#"["\ud83d\udc26"]"#, json!(["🐦"])),
            (r#"["a\ud83d", "b"]"#, json!(["a\u{fffd}", "b"])),
            (r#"["\udc26\ud83d\udc26"]"#, json!(["\u{fffd}🐦"])),
            (r#"["\ud83d\ud83d\udc26"]"#, json!(["\u{fffd}🐦"])),
            (r#"["\\ud83d", "\ud83d"]"#, json!(["\\ud83d", "\u{fffd}"])),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap(), wanted, "{text}");
        }
        assert_eq!(read(b"[\"a\xff\", 1]").unwrap(), json!(["a\u{fffd}", 1]));
        for no_json in ["", "[", "\\", r#"["\u"#, "<html>"] {
            assert!(read(no_json.as_bytes()).is_err(), "{no_json}");
        }
    }
}
