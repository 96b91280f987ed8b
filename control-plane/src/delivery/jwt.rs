//! The token that stands in for the header `jwt_key`: HS256, valid for ten minutes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

/// How long a token is valid, in seconds. The original's value.
const VALID_SECONDS: u64 = 600;

/// Signs the original's claims with `key`, at `now` in seconds since the Unix epoch.
pub(super) fn sign(key: &str, now: u64) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let claims = URL_SAFE_NO_PAD.encode(format!(
        r#"{{"iat":{now},"exp":{},"app":"evolution","action":"webhook"}}"#,
        now + VALID_SECONDS
    ));
    let signed = format!("{header}.{claims}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
    format!("{signed}.{signature}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_what_openssl_computes() {
        // printf '<header>.<claims>' | openssl dgst -sha256 -hmac secret -binary | basenc --base64url
        assert_eq!(sign("secret", 1_700_000_000), EXPECTED);
    }

    const EXPECTED: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMDYwMCwiYXBwIjoiZXZvbHV0aW9uIiwiYWN0aW9uIjoid2ViaG9vayJ9.pulTXd4SrX5HMfs46ABt2hYN6_mVabcQH-Ey1HYWOoI";
}
