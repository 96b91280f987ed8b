//! Which pages of other origins may call the API from a browser.

use axum::http::{HeaderValue, Method};
use pombal_store::env::{self, BadVariable};
use url::Url;

const ORIGIN: &str = "CORS_ORIGIN";
const METHODS: &str = "CORS_METHODS";
const CREDENTIALS: &str = "CORS_CREDENTIALS";
/// The original's defaults.
const DEFAULT_ORIGIN: &str = "*";
const DEFAULT_METHODS: &str = "POST,GET,PUT,DELETE";
/// Methods that routes may have. Another one is a slip of the pen.
const KNOWN_METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

/// What browsers are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsConfig {
    /// Whose pages may read answers.
    pub origins: Origins,
    /// Methods that such pages may use.
    pub methods: Vec<Method>,
    /// Whether they may send cookies and the like along.
    pub credentials: bool,
}

/// Whose pages may read answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// Everybody's. Keys travel in a header that a page must know, so this alone opens nothing.
    Any,
    /// Those of these origins.
    These(Vec<HeaderValue>),
}

impl Default for CorsConfig {
    fn default() -> Self {
        Self {
            origins: Origins::Any,
            methods: vec![Method::POST, Method::GET, Method::PUT, Method::DELETE],
            credentials: false,
        }
    }
}

impl CorsConfig {
    /// Reads `CORS_ORIGIN`, `CORS_METHODS` and `CORS_CREDENTIALS`.
    ///
    /// # Errors
    /// [`BadVariable`].
    pub fn from_env() -> Result<Self, BadVariable> {
        let origin = env::text(ORIGIN)?;
        let methods = env::text(METHODS)?;
        Self::parse(
            origin.as_deref().unwrap_or(DEFAULT_ORIGIN),
            methods.as_deref().unwrap_or(DEFAULT_METHODS),
            env::flag(CREDENTIALS, false)?,
        )
    }

    fn parse(origins: &str, methods: &str, credentials: bool) -> Result<Self, BadVariable> {
        let origins = match items(origins).collect::<Vec<_>>().as_slice() {
            ["*"] if credentials => {
                let problem = "needs the origins in CORS_ORIGIN: with \"*\" any page could act \
                               with its visitor's credentials";
                return Err(BadVariable::new(CREDENTIALS, problem));
            }
            ["*"] => Origins::Any,
            [] => return Err(BadVariable::new(ORIGIN, "names no origin")),
            several => Origins::These(
                several
                    .iter()
                    .map(|o| origin(o))
                    .collect::<Result<_, _>>()?,
            ),
        };
        let methods: Vec<_> = items(methods).map(method).collect::<Result<_, _>>()?;
        if methods.is_empty() {
            return Err(BadVariable::new(METHODS, "names no method"));
        }
        Ok(Self {
            origins,
            methods,
            credentials,
        })
    }
}

fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

/// An origin as browsers send it: without the slash at its end that people write.
fn origin(text: &str) -> Result<HeaderValue, BadVariable> {
    let bad = || {
        BadVariable::new(
            ORIGIN,
            format!("{text:?} is no origin like https://a.example"),
        )
    };
    if text == "*" {
        return Err(BadVariable::new(
            ORIGIN,
            "\"*\" says all; leave the others out",
        ));
    }
    let url = Url::parse(text).map_err(|_| bad())?;
    let is_bare = matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !is_bare || !url.has_host() {
        return Err(bad());
    }
    let written = if url.origin().is_tuple() {
        url.origin().ascii_serialization()
    } else {
        // Apps and extensions have schemes of their own.
        url.as_str().trim_end_matches('/').to_owned()
    };
    HeaderValue::try_from(written).map_err(|_| bad())
}

fn method(text: &str) -> Result<Method, BadVariable> {
    KNOWN_METHODS
        .into_iter()
        .find(|known| known.as_str().eq_ignore_ascii_case(text))
        .ok_or_else(|| BadVariable::new(METHODS, format!("{text:?} is no method of the API")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_browsers_send() {
        let all = CorsConfig::parse(DEFAULT_ORIGIN, DEFAULT_METHODS, false).unwrap();
        assert_eq!(all, CorsConfig::default());
        let origins = " https://A.example/ ,http://localhost:3000,capacitor://localhost";
        let some = CorsConfig::parse(origins, "get, Post", true).unwrap();
        let wanted = [
            "https://a.example",
            "http://localhost:3000",
            "capacitor://localhost",
        ];
        let wanted = wanted.map(HeaderValue::from_static).to_vec();
        assert_eq!(some.origins, Origins::These(wanted));
        assert_eq!(some.methods, [Method::GET, Method::POST]);
        assert!(some.credentials);
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for (origins, methods, credentials, variable) in [
            ("*", "GET", true, CREDENTIALS),
            ("*,https://a.example", "GET", false, ORIGIN),
            (",", "GET", false, ORIGIN),
            ("a.example", "GET", false, ORIGIN),
            ("https://a.example/x", "GET", false, ORIGIN),
            ("https://u:p@a.example", "GET", false, ORIGIN),
            ("https://*.a.example/", "GET,PUSH", false, METHODS),
            ("*", ",", false, METHODS),
        ] {
            let refused = CorsConfig::parse(origins, methods, credentials).unwrap_err();
            assert_eq!(refused.variable(), variable, "{origins} {methods}");
        }
    }
}
