//! Downloads (`wacore/src/download.rs`).

use axum::http::StatusCode;
use serde_json::json;

use super::auth::parameter;
use super::http::{Desk, Outcome, bytes};
use super::{Refused, name_of};

impl Desk {
    /// `GET <signed path>`, which clients follow with the token, and some with their auth.
    ///
    /// The signature is what opens the file. An auth token is not needed, but it must be good
    /// when there is one: then the client asks for another.
    pub(super) fn download(&self, path: &str, query: &str) -> Outcome {
        let auth = parameter(query, "auth");
        let phone = auth.and_then(|auth| self.host.check_auth(auth));
        if auth.is_some() && phone.is_none() {
            return Err((StatusCode::FORBIDDEN, "authentication is wrong or too old"));
        }
        let fetched = self.host.fetch(&format!("{path}?{query}"));
        let (kind, content) = fetched.map_err(|refused| match refused {
            Refused::Signature => (StatusCode::FORBIDDEN, "URL signature is wrong or too old"),
            Refused::Unknown => (StatusCode::NOT_FOUND, "no such file"),
            Refused::Gone => (StatusCode::GONE, "the file is gone"),
        })?;
        let named = parameter(query, "token").or_else(|| parameter(query, "hash"));
        if named.is_some_and(|token| token != name_of(&content)) {
            return Err((StatusCode::NOT_FOUND, "the token is not the file's"));
        }
        let details = json!({"media": kind.folder(), "bytes": content.len()});
        self.log("media-download", phone.as_deref(), details);
        Ok(bytes(content))
    }
}
