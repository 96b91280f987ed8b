//! What the environment says about Meta's Cloud API. Evolution's names are kept.

use std::time::Duration;

use pombal_store::env::{self, BadVariable};
use serde::Deserialize;
use url::Url;

use zeroize::Zeroizing;

use crate::secret::Secret;

/// The token that Meta shows when it verifies the webhook.
pub const VERIFY_TOKEN: &str = "WA_BUSINESS_TOKEN_WEBHOOK";
/// The secret of the Meta app, with which it signs webhooks.
pub const APP_SECRET: &str = "META_APP_SECRET";

const URL: &str = "WA_BUSINESS_URL";
const VERSION: &str = "WA_BUSINESS_VERSION";

/// The Graph API's own address.
const GRAPH: &str = "https://graph.facebook.com";
/// The version of the Graph API: <https://developers.facebook.com/docs/graph-api/changelog>.
const DEFAULT_VERSION: &str = "v23.0";
/// The public default of other gateways.
const PUBLIC_TOKENS: [&str; 1] = ["evolution"];
/// Shortest verify token and app secret that we take.
const MIN_CHARS: usize = 8;
/// Longest wait for an answer of the Graph API. With a connection and an event around it, it
/// stays below the 29 s of API Gateway.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Most time that one webhook of Meta's may spend on media.
const MEDIA_TIME: Duration = Duration::from_secs(15);
/// Largest medium in bytes that is taken over. It is held in memory.
const MAX_MEDIA_BYTES: usize = 64 * 1024 * 1024;

/// How the channel behaves.
#[derive(Debug, Clone)]
pub struct BusinessConfig {
    /// Where the Graph API is.
    pub url: Url,
    /// Its version, as it stands in paths.
    pub version: String,
    /// The verify token. Without one, Meta's verification is refused.
    pub verify_token: Option<Secret>,
    /// The app secret. Without one, webhooks can't be told from forged ones.
    pub app_secret: Option<Secret>,
    /// Longest wait for an answer of the Graph API. Default 15 s.
    pub timeout: Duration,
    /// Most time for the media of one webhook; what is late is left out. Default 15 s.
    pub media_time: Duration,
    /// Largest medium that is taken over, in bytes. Default 64 MiB.
    pub max_media_bytes: usize,
}

impl BusinessConfig {
    /// The defaults with a Graph API at `url`.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self {
            url,
            version: DEFAULT_VERSION.to_owned(),
            verify_token: None,
            app_secret: None,
            timeout: TIMEOUT,
            media_time: MEDIA_TIME,
            max_media_bytes: MAX_MEDIA_BYTES,
        }
    }

    /// Reads the environment.
    ///
    /// # Errors
    /// [`BadVariable`].
    pub fn from_env() -> Result<Self, BadVariable> {
        let url = env::address(URL)?.unwrap_or_else(|| GRAPH.to_owned());
        let url = Url::parse(&url).map_err(|error| BadVariable::new(URL, error.to_string()))?;
        let version = env::text(VERSION)?.unwrap_or_else(|| DEFAULT_VERSION.to_owned());
        if !is_version(&version) {
            let problem = format!("{version:?} is not of the form v23.0");
            return Err(BadVariable::new(VERSION, problem));
        }
        Ok(Self {
            version,
            verify_token: secret(VERIFY_TOKEN)?,
            app_secret: secret(APP_SECRET)?,
            ..Self::new(url)
        })
    }

    /// The same with what `text` holds, the content of the secret that `variable` names: an
    /// object with `appSecret` and `verifyToken`, of which one may be missing or empty.
    ///
    /// # Errors
    /// [`BadVariable`] when it is no such object, when a value can't be used, or when the
    /// environment has that value too. None shows a value.
    pub fn with_kept(self, variable: &'static str, text: &str) -> Result<Self, BadVariable> {
        let kept: Kept = serde_json::from_str(text).map_err(|_| {
            let problem = "the secret is no object of appSecret and verifyToken";
            BadVariable::new(variable, problem)
        })?;
        Ok(Self {
            verify_token: kept
                .verify_token
                .or(variable, VERIFY_TOKEN, self.verify_token)?,
            app_secret: kept.app_secret.or(variable, APP_SECRET, self.app_secret)?,
            ..self
        })
    }

    /// Says what is unsafe about it. For the start of every process that takes Meta's webhooks.
    pub fn warn(&self) {
        if self.app_secret.is_none() {
            tracing::warn!(
                "{APP_SECRET} is not set: anybody who finds POST /webhook/meta can forge inbound \
                 messages of WHATSAPP-BUSINESS instances"
            );
        }
    }
}

/// What a secret holds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Kept {
    #[serde(default)]
    app_secret: KeptText,
    #[serde(default)]
    verify_token: KeptText,
}

/// A text in a secret; empty when there is none.
#[derive(Default, Deserialize)]
#[serde(from = "String")]
struct KeptText(Zeroizing<String>);

impl From<String> for KeptText {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl KeptText {
    /// This text, which is in the secret that `kept_in` names, else what `variable` was set to.
    fn or(
        self,
        kept_in: &'static str,
        variable: &'static str,
        set: Option<Secret>,
    ) -> Result<Option<Secret>, BadVariable> {
        let text = self.0.trim();
        if text.is_empty() {
            return Ok(set);
        }
        if set.is_some() {
            let problem = format!("is also in the secret of {kept_in}");
            return Err(BadVariable::new(variable, problem));
        }
        check(kept_in, text)?;
        Ok(Some(Secret::new(text)))
    }
}

fn secret(variable: &'static str) -> Result<Option<Secret>, BadVariable> {
    let Some(text) = env::text(variable)? else {
        return Ok(None);
    };
    check(variable, &text)?;
    Ok(Some(Secret::new(text)))
}

fn check(variable: &'static str, text: &str) -> Result<(), BadVariable> {
    if PUBLIC_TOKENS.contains(&text) {
        let problem = "stands in public documents: choose another";
        return Err(BadVariable::new(variable, problem));
    }
    if text.chars().count() < MIN_CHARS {
        let problem = format!("must have at least {MIN_CHARS} characters");
        return Err(BadVariable::new(variable, problem));
    }
    Ok(())
}

fn is_version(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    text.strip_prefix('v')
        .and_then(|rest| rest.split_once('.'))
        .is_some_and(|(major, minor)| digits(major) && digits(minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_anybody_may_guess_is_refused() {
        for bad in ["evolution", "short", ""] {
            let refused = check(VERIFY_TOKEN, bad).unwrap_err();
            assert_eq!(refused.variable(), VERIFY_TOKEN);
        }
        assert!(check(APP_SECRET, "0123456789abcdef").is_ok());
        let config = BusinessConfig {
            app_secret: Some(Secret::new("hidden-secret")),
            ..BusinessConfig::new(Url::parse(GRAPH).unwrap())
        };
        assert!(!format!("{config:?}").contains("hidden"));
    }

    #[test]
    fn secrets_may_be_kept_elsewhere() {
        let config = || BusinessConfig::new(Url::parse(GRAPH).unwrap());
        let with = |text: &str| config().with_kept("KEPT_IN", text);
        let both = with(r#"{"appSecret":"of-the-app","verifyToken":" of-the-hook\n"}"#).unwrap();
        assert_eq!(both.app_secret.unwrap().expose(), "of-the-app");
        assert_eq!(both.verify_token.unwrap().expose(), "of-the-hook");
        let one = with(r#"{"appSecret":"","verifyToken":"of-the-hook"}"#).unwrap();
        assert!(one.app_secret.is_none() && one.verify_token.is_some());

        for bad in [
            r#""hidden-secret""#,
            r#"{"appSecret":["hidden-secret"]}"#,
            r#"{"hidden-secret":""}"#,
            r#"{"appSecret":"hidden"}"#,
        ] {
            let refused = with(bad).unwrap_err();
            assert_eq!(refused.variable(), "KEPT_IN");
            assert!(!refused.to_string().contains("hidden"), "{refused}");
        }
        let set = BusinessConfig {
            app_secret: Some(Secret::new("hidden-secret")),
            ..config()
        };
        let refused = set.with_kept("KEPT_IN", r#"{"appSecret":"hidden-secret"}"#);
        let refused = refused.unwrap_err();
        assert_eq!(refused.variable(), APP_SECRET);
        assert!(!refused.to_string().contains("hidden"), "{refused}");
    }

    #[test]
    fn a_version_can_stand_in_a_path() {
        assert!(is_version(DEFAULT_VERSION) && is_version("v18.0"));
        for bad in ["18.0", "v18", "v18.", "v1/8.0", "latest"] {
            assert!(!is_version(bad), "{bad}");
        }
    }
}
