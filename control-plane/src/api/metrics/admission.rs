//! Who may read the metrics. Refusals are plain text, as in the original.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::api::auth;
use crate::api::error::ApiError;
use crate::api::state::ApiState;
use crate::config::{MetricsConfig, MetricsLogin};

/// The caller may read them.
pub(in crate::api) struct Admitted;

/// Why a caller may not.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// Nothing but the global key opens them.
    NoKey,
    /// The caller's address is not among those that may.
    Address,
    /// No login, or a wrong one.
    Login,
}

impl FromRequestParts<ApiState> for Admitted {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Response> {
        let key = auth::shows_global_key(parts, state).await;
        if key.map_err(ApiError::into_response)? {
            return Ok(Self);
        }
        let admitted = match &state.options().metrics {
            Some(config) => check(config, peer(parts), login(parts)),
            None => Err(Refusal::NoKey),
        };
        admitted.map_err(Refusal::into_response)?;
        Ok(Self)
    }
}

/// Whether a caller without the global key may read them.
fn check(
    config: &MetricsConfig,
    peer: Option<IpAddr>,
    shown: Option<Shown>,
) -> Result<(), Refusal> {
    if config.login.is_none() && config.addresses.is_empty() {
        return Err(Refusal::NoKey);
    }
    let may_ask = |peer: IpAddr| config.addresses.contains(&peer);
    if !config.addresses.is_empty() && !peer.is_some_and(may_ask) {
        return Err(Refusal::Address);
    }
    let is_right = |login: &MetricsLogin| {
        shown.is_some_and(|Shown { user, password }| login.matches(&user, &password))
    };
    match &config.login {
        Some(login) if !is_right(login) => Err(Refusal::Login),
        _ => Ok(()),
    }
}

/// The other end of the connection, as the server or API Gateway tells it. Headers say what a
/// caller likes.
fn peer(parts: &Parts) -> Option<IpAddr> {
    let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(peer.ip().to_canonical())
}

/// What a caller shows as user and password.
struct Shown {
    user: Vec<u8>,
    password: Vec<u8>,
}

/// Reads `Authorization: Basic` (RFC 7617).
fn login(parts: &Parts) -> Option<Shown> {
    let header = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = STANDARD.decode(credentials.trim()).ok()?;
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    let (user, password) = (&bytes[..colon], &bytes[colon + 1..]);
    Some(Shown {
        user: user.to_vec(),
        password: password.to_vec(),
    })
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::NoKey => (StatusCode::UNAUTHORIZED, "Unauthorized").into_response(),
            Self::Address => (StatusCode::FORBIDDEN, "Forbidden").into_response(),
            Self::Login => {
                let challenge = [(
                    WWW_AUTHENTICATE,
                    "Basic realm=\"metrics\", charset=\"UTF-8\"",
                )];
                (StatusCode::UNAUTHORIZED, challenge, "Unauthorized").into_response()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn shown(header: &str) -> Option<(String, String)> {
        let request = Request::builder().header(AUTHORIZATION, header);
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let Shown { user, password } = login(&parts)?;
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Some((text(user), text(password)))
    }

    #[test]
    fn a_login_is_read_as_rfc_7617_writes_it() {
        let aladdin = ("Aladdin".to_owned(), "open sesame".to_owned());
        for header in [
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            "bAsIc  QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        ] {
            assert_eq!(shown(header), Some(aladdin.clone()), "{header}");
        }
        let colons = ("a".to_owned(), "b:c".to_owned());
        assert_eq!(shown("Basic YTpiOmM="), Some(colons));
        for header in ["Basic", "Basic !", "Basic YQ==", "Bearer YTpi", "YTpi"] {
            assert_eq!(shown(header), None, "{header}");
        }
    }

    #[test]
    fn every_guard_that_is_set_has_to_let_the_caller_in() {
        let ok: IpAddr = "10.0.0.1".parse().unwrap();
        let other: IpAddr = "10.0.0.2".parse().unwrap();
        let config = |with_login: bool, with_address: bool| MetricsConfig {
            login: with_login.then(|| MetricsLogin::new("u", "p")),
            addresses: with_address.then_some(ok).into_iter().collect(),
        };
        let right = || {
            let (user, password) = (b"u".to_vec(), b"p".to_vec());
            Some(Shown { user, password })
        };
        let wrong = || {
            let (user, password) = (b"u".to_vec(), b"P".to_vec());
            Some(Shown { user, password })
        };
        for (config, peer, shown, wanted) in [
            (config(false, false), Some(ok), right(), Err(Refusal::NoKey)),
            (config(true, false), None, right(), Ok(())),
            (config(true, false), Some(ok), wrong(), Err(Refusal::Login)),
            (config(true, false), Some(ok), None, Err(Refusal::Login)),
            (config(false, true), Some(ok), None, Ok(())),
            (
                config(false, true),
                Some(other),
                right(),
                Err(Refusal::Address),
            ),
            (config(false, true), None, right(), Err(Refusal::Address)),
            (config(true, true), Some(ok), right(), Ok(())),
            (
                config(true, true),
                Some(other),
                right(),
                Err(Refusal::Address),
            ),
            (config(true, true), Some(ok), None, Err(Refusal::Login)),
        ] {
            assert_eq!(check(&config, peer, shown), wanted, "{config:?} {peer:?}");
        }
    }
}
