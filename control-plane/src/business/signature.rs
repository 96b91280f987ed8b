//! Meta's signature of a webhook: HMAC-SHA256 of the raw body under the app secret.
//!
//! <https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads>

use ring::hmac;

use crate::secret::Secret;

const PREFIX: &str = "sha256=";

/// Whether `header` is the signature of `body`, in a time that does not depend on how much of
/// it is right.
pub(super) fn verify(secret: &Secret, header: &str, body: &[u8]) -> bool {
    let Some(Ok(signature)) = header.strip_prefix(PREFIX).map(hex::decode) else {
        return false;
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    hmac::verify(&key, body, &signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_signature_of_this_body_is_taken() {
        let secret = Secret::new("key");
        let body = b"The quick brown fox jumps over the lazy dog";
        // printf '%s' '<body>' | openssl dgst -sha256 -hmac key
        let good = "sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";
        assert!(verify(&secret, good, body));
        assert!(!verify(&secret, good, b"another body"));
        assert!(!verify(&Secret::new("other"), good, body));
        for bad in [
            "",
            "sha256=",
            "sha256=zz",
            "sha1=f7bc83",
            &good[7..],
            &good[..70],
        ] {
            assert!(!verify(&secret, bad, body), "{bad}");
        }
    }
}
