//! What the other side answered.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::RETRY_AFTER;
use pombal_domain::time::UnixMs;

/// How much of a body is read, in bytes (DESIGN § 9).
pub const MAX_ANSWER_BYTES: usize = 20_000;

/// What the other side answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// How long the other side asks to wait before the next request.
    pub retry_after: Option<Duration>,
    /// The beginning of the body, at most [`MAX_ANSWER_BYTES`].
    pub body: Bytes,
}

impl Answer {
    pub(super) async fn read(mut response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers(), UnixMs::now());
        let mut body = BytesMut::new();
        // The status is the answer: a body that stalls or breaks off does not undo it.
        while let Ok(Some(chunk)) = response.chunk().await {
            let room = MAX_ANSWER_BYTES - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == MAX_ANSWER_BYTES {
                break;
            }
        }
        Self {
            status,
            retry_after,
            body: body.freeze(),
        }
    }
}

/// `Retry-After` in seconds or as a date (RFC 9110 § 10.2.3); nothing if it is neither.
fn retry_after(headers: &HeaderMap, now: UnixMs) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = chrono::DateTime::parse_from_rfc2822(text).ok()?;
    let date = UnixMs(u64::try_from(date.timestamp_millis()).ok()?);
    Some(date.until(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = UnixMs(1_445_412_470_000);
        for (text, wait) in [
            ("120", Some(120)),
            ("0", Some(0)),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Some(10)),
            ("Wed, 21 Oct 2015 07:20:00 GMT", Some(0)),
            ("-5", None),
            ("soon", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(
                retry_after(&headers, now),
                wait.map(Duration::from_secs),
                "{text:?}"
            );
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
