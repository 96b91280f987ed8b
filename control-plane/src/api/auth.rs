//! Who may do what. The key is checked before anything is said about what exists.

use axum::Json;
use axum::extract::{FromRequestParts, Path};
use axum::http::HeaderValue;
use axum::http::request::Parts;
use pombal_domain::{Instance, InstanceName};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::error::ApiError;
use super::limits::{self, Key};
use super::state::ApiState;
use crate::secret::token_hash;

/// The caller has the global key.
pub(super) struct GlobalKey;

/// The instance that the path names, for a caller who may use it. The only way for handlers
/// to an instance by path, at the cost of one registry read.
pub(super) struct Authorized(pub(super) Instance);

/// A caller on a route without an instance in its path.
pub(super) enum Caller {
    /// Has the global key.
    Global,
    /// Has the token of this instance.
    Token(Box<Instance>),
}

/// What the `apikey` header holds.
enum Presented {
    Global,
    Other { hash: String },
}

impl Presented {
    /// Reads the header. The global key is known to be good, and counted, at once; a token is
    /// when its instance is known: see [`admitted`].
    async fn read(parts: &Parts, state: &ApiState) -> Result<Self, ApiError> {
        let key = parts
            .headers
            .get("apikey")
            .ok_or_else(ApiError::unauthorized)?
            .as_bytes();
        if key.is_empty() {
            return Err(ApiError::unauthorized());
        }
        if !state.options().global_key.matches(key) {
            let hash = token_hash(key);
            return Ok(Self::Other { hash });
        }
        limits::admit(state, Key::Global).await?;
        Ok(Self::Global)
    }
}

/// The row that the token with this hash opens, once its use is counted.
async fn admitted(
    state: &ApiState,
    hash: &str,
    row: Option<Instance>,
) -> Result<Instance, ApiError> {
    let row = row.filter(|row| owns(hash, row));
    let row = row.ok_or_else(ApiError::unauthorized)?;
    limits::admit(state, Key::Token(hash)).await?;
    Ok(row)
}

impl FromRequestParts<ApiState> for GlobalKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        match Presented::read(parts, state).await? {
            Presented::Global => Ok(Self),
            Presented::Other { .. } => Err(ApiError::unauthorized()),
        }
    }
}

/// Whether the caller shows the global key, on a route that is open to others, too. A use of the
/// key is counted.
pub(super) async fn shows_global_key(parts: &Parts, state: &ApiState) -> Result<bool, ApiError> {
    let key = parts.headers.get("apikey").map(HeaderValue::as_bytes);
    if !key.is_some_and(|key| state.options().global_key.matches(key)) {
        return Ok(false);
    }
    limits::admit(state, Key::Global).await?;
    Ok(true)
}

impl FromRequestParts<ApiState> for Authorized {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let text = name_in_path(parts, state).await;
        Self::named(&text, parts, state).await
    }
}

impl Authorized {
    /// The instance that is called `text`, for paths that are none of the router's, too.
    pub(super) async fn named(
        text: &str,
        parts: &Parts,
        state: &ApiState,
    ) -> Result<Self, ApiError> {
        let presented = Presented::read(parts, state).await?;
        // A text that can't be a name is the name of nobody.
        let row = match InstanceName::parse(text) {
            Ok(name) => state.registry().instance(&name).await?,
            Err(_) => None,
        };
        match (presented, row) {
            (Presented::Global, Some(row)) => Ok(Self(row)),
            (Presented::Global, None) => Err(ApiError::no_instance(text)),
            (Presented::Other { hash }, row) => admitted(state, &hash, row).await.map(Self),
        }
    }
}

/// The parameter `name` of the path; a character that no name has when it can't be read.
async fn name_in_path(parts: &mut Parts, state: &ApiState) -> String {
    let all = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
    let mut all = all.map_or_else(|_| Vec::new(), |Path(all)| all).into_iter();
    all.find(|(parameter, _)| parameter == "name")
        .map_or_else(|| "\u{fffd}".to_owned(), |(_, name)| name)
}

impl FromRequestParts<ApiState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        match Presented::read(parts, state).await? {
            Presented::Global => Ok(Self::Global),
            Presented::Other { hash } => {
                let row = state.registry().instance_by_token(&hash).await?;
                let row = admitted(state, &hash, row).await?;
                Ok(Self::Token(Box::new(row)))
            }
        }
    }
}

/// `POST /verify-creds`: whether the key is the global one. The original hands out a token of
/// the operator's here; this one tells nothing but yes.
pub(super) async fn verify(_: GlobalKey) -> Json<Value> {
    Json(json!({ "status": 200, "message": "Credentials are valid" }))
}

fn owns(hash: &str, row: &Instance) -> bool {
    bool::from(hash.as_bytes().ct_eq(row.token_hash.as_bytes()))
}
