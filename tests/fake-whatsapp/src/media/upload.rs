//! Uploads (`whatsapp-rust/src/upload.rs`).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::Json;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use futures::StreamExt as _;
use serde_json::json;

use super::auth::parameter;
use super::blobs::Found;
use super::http::{Desk, Outcome};
use super::kind::Kind;
use super::{MediaHost, name_of};

/// The largest file that is taken, in bytes.
const MAX_BYTES: usize = 256 << 20;
const AES_BLOCK: usize = 16;
/// The truncated MAC behind the ciphertext (`wacore/src/upload.rs`).
const MAC_BYTES: usize = 10;

/// Beginnings of files whose upload broke off, by kind and name. They don't outlive the
/// process: clients start again.
#[derive(Default)]
pub(crate) struct Partials(Mutex<HashMap<(&'static str, String), Vec<u8>>>);

impl Partials {
    fn take(&self, kind: Kind, name: &str) -> Option<Vec<u8>> {
        self.lock().remove(&(kind.folder(), name.to_owned()))
    }

    fn keep(&self, kind: Kind, name: &str, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.lock().insert((kind.folder(), name.to_owned()), bytes);
        }
    }

    fn len(&self, kind: Kind, name: &str) -> usize {
        self.lock()
            .get(&(kind.folder(), name.to_owned()))
            .map_or(0, Vec::len)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(&'static str, String), Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    /// `POST <path of the kind>/<token>?auth=…&token=…`.
    pub(super) async fn upload(&self, path: &str, query: &str, body: Body) -> Outcome {
        let (folder, name) = path
            .rsplit_once('/')
            .ok_or((StatusCode::NOT_FOUND, "no such path"))?;
        let kind =
            Kind::from_upload_path(folder).ok_or((StatusCode::NOT_FOUND, "no such media type"))?;
        let auth =
            parameter(query, "auth").ok_or((StatusCode::UNAUTHORIZED, "no authentication"))?;
        let phone = self
            .host
            .check_auth(auth)
            .ok_or((StatusCode::FORBIDDEN, "authentication is wrong or too old"))?;
        if parameter(query, "token") != Some(name) {
            return Err((
                StatusCode::BAD_REQUEST,
                "the token is not the one of the path",
            ));
        }
        if parameter(query, "resume").is_some() {
            return Ok(self.progress(kind, name));
        }
        let offset = parameter(query, "file_offset").map_or(Some(0), |text| text.parse().ok());
        let offset = offset.ok_or((StatusCode::BAD_REQUEST, "the offset is not a number"))?;
        let bytes = self.receive(kind, name, offset, body).await?;
        self.check(&phone, kind, name, &bytes)?;
        let stored = self.host.store(kind, &bytes).map_err(|error| {
            tracing::error!(%error, "media not written");
            (StatusCode::INTERNAL_SERVER_ERROR, "not written")
        })?;
        let details = json!({"media": kind.folder(), "bytes": bytes.len(), "offset": offset});
        self.log("media-upload", Some(&phone), details);
        let answer = json!({"url": stored.url, "direct_path": stored.direct_path});
        Ok(Json(answer).into_response())
    }

    /// How much of a file is here.
    fn progress(&self, kind: Kind, name: &str) -> axum::response::Response {
        let answer = if matches!(self.host.blobs.get(kind.folder(), name), Found::Bytes(_)) {
            let stored = self.host.stored(kind, name);
            json!({
                "resume": "complete", "url": stored.url, "direct_path": stored.direct_path,
            })
        } else {
            let have = self.host.partial.len(kind, name);
            json!({"resume": have.to_string()})
        };
        Json(answer).into_response()
    }

    /// Reads the body. When it breaks off, what came is kept for a client that goes on.
    async fn receive(
        &self,
        kind: Kind,
        name: &str,
        offset: usize,
        body: Body,
    ) -> Result<Vec<u8>, (StatusCode, &'static str)> {
        let mut bytes = self.host.partial.take(kind, name).unwrap_or_default();
        if bytes.len() < offset {
            self.host.partial.keep(kind, name, bytes);
            return Err((
                StatusCode::RANGE_NOT_SATISFIABLE,
                "the offset is beyond what is here",
            ));
        }
        bytes.truncate(offset);
        let mut arriving = Arriving {
            host: &self.host,
            kind,
            name,
            bytes,
            whole: false,
        };
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| (StatusCode::BAD_REQUEST, "the body broke off"))?;
            if arriving.bytes.len() + chunk.len() > MAX_BYTES {
                arriving.bytes.clear();
                return Err((StatusCode::PAYLOAD_TOO_LARGE, "the file is too large"));
            }
            arriving.bytes.extend_from_slice(&chunk);
        }
        arriving.whole = true;
        Ok(std::mem::take(&mut arriving.bytes))
    }

    /// What WhatsApp would not take, and a correct client does not send.
    fn check(
        &self,
        phone: &str,
        kind: Kind,
        name: &str,
        bytes: &[u8],
    ) -> Result<(), (StatusCode, &'static str)> {
        let wrong = if name_of(bytes) != name {
            Some((
                "media-hash",
                "the token is not the hash of what was uploaded",
            ))
        } else if kind.is_encrypted() && !is_ciphertext(bytes) {
            Some(("media-form", "not whole blocks and a MAC"))
        } else {
            None
        };
        let Some((rule, text)) = wrong else {
            return Ok(());
        };
        let detail = format!(
            "{phone}, {} of {} bytes: {text}",
            kind.folder(),
            bytes.len()
        );
        self.hub.with(|world| world.break_rule(rule, detail));
        Err((StatusCode::BAD_REQUEST, text))
    }
}

/// A body on its way. Keeps what came when the connection goes away.
struct Arriving<'a> {
    host: &'a MediaHost,
    kind: Kind,
    name: &'a str,
    bytes: Vec<u8>,
    whole: bool,
}

impl Drop for Arriving<'_> {
    fn drop(&mut self) {
        if !self.whole {
            let bytes = std::mem::take(&mut self.bytes);
            self.host.partial.keep(self.kind, self.name, bytes);
        }
    }
}

/// At least one block, whole blocks, and the MAC.
fn is_ciphertext(bytes: &[u8]) -> bool {
    bytes
        .len()
        .checked_sub(MAC_BYTES)
        .is_some_and(|blocks| blocks >= AES_BLOCK && blocks.is_multiple_of(AES_BLOCK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ciphertexts_are_whole_blocks_and_a_mac() {
        assert!(is_ciphertext(&[0; 26]));
        assert!(is_ciphertext(&[0; 42]));
        for len in [0, 9, 10, 16, 25, 27, 32] {
            assert!(!is_ciphertext(&vec![0; len]), "{len}");
        }
    }
}
