//! Tokens for uploads, and signatures of download paths.
//!
//! Both are made by the server and opaque to clients, so their form is our own. A path's
//! parameters are named as WhatsApp's: `oe` is the end of its life, in hexadecimal seconds,
//! and `oh` the signature.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::Refused;
use super::kind::Kind;
use crate::keys::Key32;
use crate::time::now_ms;

/// How long a download path is good for, in seconds.
const PATH_LIFE_SECS: u64 = 30 * 24 * 3600;
const MAC_BYTES: usize = 32;

/// Signs and checks.
pub(super) struct Signer(Hmac<Sha256>);

impl Signer {
    /// A signer with this secret.
    pub(super) fn new(secret: Key32) -> Self {
        // HMAC fills a short key up with zeros (RFC 2104 § 2), to a block of 64 bytes.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&secret.0);
        Self(Hmac::new(&block.into()))
    }

    /// A token for `phone` that lasts `ttl_secs` seconds, as long as the epoch does.
    pub(super) fn issue(&self, phone: &str, ttl_secs: u64, epoch: u64) -> String {
        let mut token = (real_secs() + ttl_secs).to_be_bytes().to_vec();
        token.extend_from_slice(&rand::random::<[u8; 8]>());
        token.extend_from_slice(phone.as_bytes());
        let mac = self.mac(&[b"auth", &epoch.to_be_bytes(), &token]);
        token.extend_from_slice(&mac);
        BASE64_URL_SAFE_NO_PAD.encode(token)
    }

    /// The phone that a good token names.
    pub(super) fn check(&self, token: &str, epoch: u64) -> Option<String> {
        let token = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let (body, mac) = token.split_at_checked(token.len().checked_sub(MAC_BYTES)?)?;
        let expiry = u64::from_be_bytes(body.get(..8)?.try_into().ok()?);
        let phone = std::str::from_utf8(body.get(16..)?).ok()?;
        let good = self.mac(&[b"auth", &epoch.to_be_bytes(), body]) == mac && real_secs() < expiry;
        good.then(|| phone.to_owned())
    }

    /// The download path of a file, with parameters.
    pub(super) fn sign_path(&self, kind: Kind, name: &str) -> String {
        let path = format!("/v/{}/{name}.enc", kind.folder());
        let oe = format!("{:x}", real_secs() + PATH_LIFE_SECS);
        let oh = self.path_mac(&path, &oe);
        // Clients put `?auth=` behind it, parameters or not; a last parameter takes that up.
        format!("{path}?ccb=11-4&oh={oh}&oe={oe}&_nc_sid=5e03e0")
    }

    /// The file that a path with parameters names.
    pub(super) fn check_path(&self, direct_path: &str) -> Result<(Kind, String), Refused> {
        let (path, query) = direct_path.split_once('?').ok_or(Refused::Signature)?;
        let oe = parameter(query, "oe").ok_or(Refused::Signature)?;
        let expiry = u64::from_str_radix(oe, 16).map_err(|_| Refused::Signature)?;
        let signed = parameter(query, "oh").is_some_and(|oh| *oh == self.path_mac(path, oe));
        if !signed || expiry <= real_secs() {
            return Err(Refused::Signature);
        }
        // What is signed was made by `sign_path`.
        let file = path.strip_prefix("/v/").and_then(|rest| {
            let (folder, file) = rest.split_once('/')?;
            Some((Kind::from_folder(folder)?, file.strip_suffix(".enc")?))
        });
        let (kind, name) = file.ok_or(Refused::Signature)?;
        Ok((kind, name.to_owned()))
    }

    fn path_mac(&self, path: &str, oe: &str) -> String {
        let mac = self.mac(&[b"path", path.as_bytes(), b"?", oe.as_bytes()]);
        BASE64_URL_SAFE_NO_PAD.encode(mac)
    }

    fn mac(&self, parts: &[&[u8]]) -> [u8; MAC_BYTES] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// The host judges by the real clock, whatever clock the server shows its clients.
fn real_secs() -> u64 {
    now_ms() / 1000
}

/// A parameter of a query. `?` separates as `&` does: clients append `?auth=…` to paths that
/// have parameters already (`wacore/src/download.rs`, `prepare_download_requests`).
pub(super) fn parameter<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query
        .split(['&', '?'])
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_end_with_their_time_and_their_epoch() {
        let signer = Signer::new(Key32([1; 32]));
        let token = signer.issue("5511", 60, 3);
        assert_eq!(signer.check(&token, 3).as_deref(), Some("5511"));
        assert_eq!(signer.check(&token, 4), None);
        assert_eq!(signer.check(&signer.issue("5511", 0, 3), 3), None);
        assert_eq!(Signer::new(Key32([2; 32])).check(&token, 3), None);
        assert_eq!(signer.check("", 3), None);
        assert_eq!(signer.check("AAAA", 3), None);
    }

    #[test]
    fn appended_parameters_do_not_hide_the_signature() {
        let signer = Signer::new(Key32([1; 32]));
        let path = signer.sign_path(Kind::Audio, "name");
        let asked = format!("{path}?auth=A&token=T");
        let (kind, name) = signer.check_path(&asked).expect("signed");
        assert_eq!((kind, name.as_str()), (Kind::Audio, "name"));
        assert_eq!(parameter(&asked, "token"), Some("T"));
        let forged = path.replace("name.enc", "other.enc");
        assert_eq!(signer.check_path(&forged), Err(Refused::Signature));
    }
}
