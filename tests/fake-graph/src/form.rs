//! Multipart forms (RFC 7578), read strictly: what a client gets wrong must show.

use std::collections::BTreeMap;

use bytes::Bytes;

/// A part of a form.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) file_name: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) bytes: Bytes,
}

/// The parts by name; `None` for what is no form.
pub(crate) fn read(content_type: &str, body: &Bytes) -> Option<BTreeMap<String, Part>> {
    let boundary = content_type
        .strip_prefix("multipart/form-data; boundary=")?
        .trim_matches('"');
    let delimiter = format!("\r\n--{boundary}");
    let mut parts = BTreeMap::new();
    let mut rest = body.strip_prefix(&delimiter.as_bytes()[2..])?;
    while !rest.starts_with(b"--\r\n") {
        rest = rest.strip_prefix(b"\r\n")?;
        let head_end = find(rest, b"\r\n\r\n")?;
        let head = std::str::from_utf8(&rest[..head_end]).ok()?;
        let after = &rest[head_end + 4..];
        let end = find(after, delimiter.as_bytes())?;
        let (name, mut part) = headers(head)?;
        part.bytes = Bytes::copy_from_slice(&after[..end]);
        parts.insert(name, part);
        rest = &after[end + delimiter.len()..];
    }
    Some(parts)
}

fn headers(head: &str) -> Option<(String, Part)> {
    let (mut name, mut file_name, mut content_type) = (None, None, None);
    for line in head.split("\r\n") {
        let (header, value) = line.split_once(": ")?;
        if header.eq_ignore_ascii_case("content-type") {
            content_type = Some(value.to_owned());
            continue;
        }
        for field in value.split("; ").skip(1) {
            let (key, quoted) = field.split_once('=')?;
            let text = quoted.strip_prefix('"')?.strip_suffix('"')?.to_owned();
            match key {
                "name" => name = Some(text),
                "filename" => file_name = Some(text),
                _ => return None,
            }
        }
    }
    let bytes = Bytes::new();
    let part = Part {
        file_name,
        content_type,
        bytes,
    };
    Some((name?, part))
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
