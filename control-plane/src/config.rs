//! What the environment says about the API and the delivery. Evolution's names are kept where
//! they mean the same.

mod cors;
mod global;
mod limits;
mod metrics;
mod unused;

pub use cors::{CorsConfig, Origins};
pub use limits::LimitsConfig;
pub use metrics::{MetricsConfig, MetricsLogin};
pub use unused::delete_unused_after;

use std::time::Duration;

use pombal_store::Egress;
use pombal_store::egress::{self, EgressOptions};
use pombal_store::env::{self, BadVariable};
use pombal_store::proxy;
use url::Url;

use crate::api::ProxyCheck;
use crate::delivery::{DeliveryOptions, GlobalSink, GlobalWebhook};
use crate::secret::Secret;

/// Longest wait for a connection to a webhook endpoint.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Puts tokens into webhook bodies.
const INCLUDE_APIKEY: &str = "WEBHOOK_INCLUDE_APIKEY";
/// The original's name for it.
const EXPOSE: &str = "AUTHENTICATION_EXPOSE_IN_FETCH_INSTANCES";

/// Sets the longest wait of a message.
const SEND_TTL: &str = "SEND_TTL_SECONDS";
/// A day: the queues of commands keep what nobody takes for longer.
const MAX_SEND_TTL_SECS: u64 = 86_400;

/// Sets the global key.
const API_KEY: &str = "AUTHENTICATION_API_KEY";
/// Shortest global key that we take.
const MIN_KEY_CHARS: usize = 16;
/// Keys that stand in public documents.
const PUBLIC_KEYS: [&str; 2] = ["BQYHJGJHJ", "429683C4C977415CAAFCCE10F7D57E11"];

/// What the environment says about webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookConfig {
    /// `WEBHOOK_ALLOW_PRIVATE`: deliver to loopback and private addresses as well.
    pub allow_private: bool,
    /// `WEBHOOK_REQUEST_TIMEOUT_MS`: longest wait for an endpoint.
    pub timeout: Duration,
    /// `WEBHOOK_INCLUDE_APIKEY`, or the original's `AUTHENTICATION_EXPOSE_IN_FETCH_INSTANCES`,
    /// which is about nothing else: put the instance's token into webhook bodies.
    pub include_apikey: bool,
    /// `WEBHOOK_GLOBAL_*` and `WEBHOOK_EVENTS_*`: the operator's own webhook, if there is one.
    pub global: Option<GlobalWebhook>,
}

impl WebhookConfig {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`BadVariable`].
    pub fn from_env() -> Result<Self, BadVariable> {
        let timeout_ms: u64 = env::at_least_one("WEBHOOK_REQUEST_TIMEOUT_MS", 30_000)?;
        Ok(Self {
            allow_private: env::flag("WEBHOOK_ALLOW_PRIVATE", false)?,
            timeout: Duration::from_millis(timeout_ms),
            include_apikey: include_apikey()?,
            global: global::from_env()?,
        })
    }

    /// The client for addresses that users give.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn egress(&self) -> Result<Egress, egress::Error> {
        client(self.allow_private)
    }

    /// The delivery's options.
    ///
    /// # Errors
    /// When a client for the operator's webhook can't be made.
    pub fn delivery(&self, server_url: &str) -> Result<DeliveryOptions, egress::Error> {
        let global = self.global.clone().map(|webhook| {
            // The operator's address is no tenant's.
            client(true).map(|egress| GlobalSink { webhook, egress })
        });
        Ok(DeliveryOptions {
            expose_keys: self.include_apikey,
            attempt_timeout: self.timeout,
            global: global.transpose()?,
            ..DeliveryOptions::new(server_url)
        })
    }
}

fn client(allow_private: bool) -> Result<Egress, egress::Error> {
    Egress::new(EgressOptions {
        allow_private,
        connect_timeout: CONNECT_TIMEOUT,
        user_agent: concat!("pombal/", env!("CARGO_PKG_VERSION")).to_owned(),
    })
}

fn include_apikey() -> Result<bool, BadVariable> {
    let ours = env::flag(INCLUDE_APIKEY, false)?;
    let theirs = env::flag(EXPOSE, ours)?;
    let told = env::text(INCLUDE_APIKEY)?.is_some();
    if told && ours != theirs {
        let problem = format!("contradicts {INCLUDE_APIKEY}");
        return Err(BadVariable::new(EXPOSE, problem));
    }
    Ok(theirs)
}

/// `SERVER_URL`: the API's own address, as shown to clients, without a slash at its end.
///
/// # Errors
/// [`BadVariable`] when it is no address of the web.
pub fn server_url() -> Result<Option<String>, BadVariable> {
    let url = env::address("SERVER_URL")?;
    Ok(url.map(|url| url.trim_end_matches('/').to_owned()))
}

/// `SEND_TTL_SECONDS`: how long a message may wait for its instance to be connected. After that
/// it is not sent any more, and `messages.update` says so. Default 10 minutes.
///
/// # Errors
/// [`BadVariable`] when it is no number, 0, or longer than queues keep a message for sure.
pub fn send_ttl() -> Result<Duration, BadVariable> {
    let seconds: u64 = env::at_least_one(SEND_TTL, 600)?;
    if seconds > MAX_SEND_TTL_SECS {
        let problem = format!("must not be more than {MAX_SEND_TTL_SECS}");
        return Err(BadVariable::new(SEND_TTL, problem));
    }
    Ok(Duration::from_secs(seconds))
}

/// How proxies are tried: against `WhatsApp`, or the server that plays it, and within
/// `PROXY_ALLOW_PRIVATE`.
///
/// # Errors
/// [`BadVariable`].
pub fn proxy_check(whatsapp_url: Option<&str>) -> Result<ProxyCheck, BadVariable> {
    let mut check = ProxyCheck {
        reach: proxy::reach_from_env()?,
        ..ProxyCheck::default()
    };
    if let Some(url) = whatsapp_url {
        let url = Url::parse(url).ok();
        let target = url.as_ref().and_then(|url| {
            let default = if url.scheme() == "ws" { 80 } else { 443 };
            Some((url.host_str()?, url.port().unwrap_or(default)))
        });
        let (host, port) =
            target.ok_or_else(|| BadVariable::new("POMBAL_WHATSAPP_URL", "is not an address"))?;
        (check.host, check.port) = (host.to_owned(), port);
    }
    Ok(check)
}

/// `SERVER_DISABLE_DOCS`: whether `/openapi.json` and `/docs` are served, which they are unless it
/// is true.
///
/// # Errors
/// [`BadVariable`] when it is no flag.
pub fn docs() -> Result<bool, BadVariable> {
    env::flag("SERVER_DISABLE_DOCS", false).map(|disabled| !disabled)
}

/// `AUTHENTICATION_API_KEY`: the global key, if it is set.
///
/// # Errors
/// [`BadVariable`] as for [`global_key`].
pub fn api_key() -> Result<Option<Secret>, BadVariable> {
    env::text(API_KEY)?
        .map(|key| global_key(API_KEY, key))
        .transpose()
}

/// A global key that `variable` holds, or leads to.
///
/// # Errors
/// [`BadVariable`] when it is too short to be one, or stands in public documents.
pub fn global_key(variable: &'static str, key: String) -> Result<Secret, BadVariable> {
    let key = Secret::new(key);
    let problem = if PUBLIC_KEYS.contains(&key.expose()) {
        "is a key from public documents: choose another"
    } else if key.expose().chars().count() < MIN_KEY_CHARS {
        "the key must have at least 16 characters"
    } else {
        return Ok(key);
    };
    Err(BadVariable::new(variable, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_operators_webhook_may_be_private_by_itself() {
        let config = WebhookConfig {
            allow_private: false,
            timeout: Duration::from_secs(1),
            include_apikey: false,
            global: Some(GlobalWebhook {
                url: "http://10.0.0.7/hook".into(),
                by_events: false,
                events: Vec::new(),
            }),
        };
        let global = config.delivery("http://s").unwrap().global.unwrap();
        let url = Url::parse(&global.webhook.url).unwrap();
        assert!(global.egress.check_literal(&url).is_ok());
        assert!(config.egress().unwrap().check_literal(&url).is_err());
        let metadata = Url::parse("http://169.254.169.254/").unwrap();
        assert!(global.egress.check_literal(&metadata).is_err());
    }

    #[test]
    fn keys_that_anybody_may_guess_are_refused() {
        for key in ["", "0123456789abcde", PUBLIC_KEYS[0], PUBLIC_KEYS[1]] {
            let refused = global_key(API_KEY, key.to_owned()).unwrap_err();
            assert_eq!(refused.variable(), API_KEY);
            assert!(key.is_empty() || !refused.to_string().contains(key));
        }
        assert!(global_key(API_KEY, "0123456789abcdef".to_owned()).is_ok());
    }
}
