//! Routes that are not there.

use std::borrow::Cow;

use axum::extract::{OriginalUri, Request, State};
use percent_encoding::percent_decode_str;

use crate::api::auth::Authorized;
use crate::api::error::ApiError;
use crate::api::state::ApiState;

/// Controllers of the contract of which no route is there yet (§ 2.4, 2.6, 2.7). Their paths end
/// with the name of an instance.
const GUARDED: [&str; 7] = [
    "baileys", "business", "call", "chat", "group", "label", "s3",
];

/// `Cannot POST /nowhere` (contract § 0). What is guarded in the contract wants its key first, so
/// that a client with a wrong one is told of that.
pub(in crate::api) async fn unknown(
    State(state): State<ApiState>,
    OriginalUri(uri): OriginalUri,
    request: Request,
) -> ApiError {
    let (parts, _) = request.into_parts();
    if let Some(name) = guarded(uri.path())
        && let Err(refusal) = Authorized::named(&name, &parts, &state).await
    {
        return refusal;
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    ApiError::not_found(format!("Cannot {} {path}", parts.method))
}

/// The name at the end of a path of a guarded controller.
fn guarded(path: &str) -> Option<Cow<'_, str>> {
    let mut words = path.strip_prefix('/')?.trim_end_matches('/').split('/');
    let (controller, _, name) = (words.next()?, words.next()?, words.next()?);
    let is_known = GUARDED
        .iter()
        .any(|known| controller.eq_ignore_ascii_case(known));
    if words.next().is_some() || !is_known {
        return None;
    }
    Some(percent_decode_str(name).decode_utf8_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_last_of_three() {
        assert_eq!(guarded("/chat/findChats/b%201/").as_deref(), Some("b 1"));
        assert_eq!(guarded("/GROUP/create/b1").as_deref(), Some("b1"));
        for path in [
            "/chat/findChats",
            "/chat/a/b/c",
            "/nope/x/b1",
            "//chat/x/b1",
            "/",
        ] {
            assert_eq!(guarded(path), None, "{path}");
        }
    }
}
