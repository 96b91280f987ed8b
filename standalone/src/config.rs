//! Settings from the environment. Evolution's names are kept where they mean the same.

use std::env;
use std::str::FromStr;
use std::time::Duration;

/// A variable has a value that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{variable}: {problem}")]
pub(crate) struct BadVariable {
    variable: &'static str,
    problem: String,
}

impl BadVariable {
    fn new(variable: &'static str, problem: impl Into<String>) -> Self {
        Self {
            variable,
            problem: problem.into(),
        }
    }
}

/// What the environment says about pairing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PairingConfig {
    /// `QRCODE_LIMIT`: codes shown before giving up.
    pub(crate) qr_limit: u32,
    /// `QRCODE_COLOR`: `#rrggbb`.
    pub(crate) qr_color: [u8; 3],
    /// `CONFIG_SESSION_PHONE_CLIENT`: name of the linked device on the phone.
    pub(crate) device_name: String,
}

impl PairingConfig {
    pub(crate) fn from_env() -> Result<Self, BadVariable> {
        let qr_limit = parse("QRCODE_LIMIT", 30)?;
        if qr_limit == 0 {
            return Err(BadVariable::new("QRCODE_LIMIT", "must be at least 1"));
        }
        Ok(Self {
            qr_limit,
            qr_color: color("QRCODE_COLOR", [0x19, 0x87, 0x54])?,
            device_name: text("CONFIG_SESSION_PHONE_CLIENT")?.unwrap_or_else(|| "Pombal".into()),
        })
    }
}

/// What the environment says about webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebhookConfig {
    /// `WEBHOOK_ALLOW_PRIVATE`: deliver to loopback and private addresses as well.
    pub(crate) allow_private: bool,
    /// `WEBHOOK_REQUEST_TIMEOUT_MS`: longest wait for an endpoint.
    pub(crate) timeout: Duration,
    /// `WEBHOOK_INCLUDE_APIKEY`: put the instance's token into webhook bodies.
    pub(crate) include_apikey: bool,
}

impl WebhookConfig {
    pub(crate) fn from_env() -> Result<Self, BadVariable> {
        let timeout_ms: u64 = parse("WEBHOOK_REQUEST_TIMEOUT_MS", 30_000)?;
        if timeout_ms == 0 {
            return Err(BadVariable::new(
                "WEBHOOK_REQUEST_TIMEOUT_MS",
                "must be at least 1",
            ));
        }
        Ok(Self {
            allow_private: flag("WEBHOOK_ALLOW_PRIVATE", false)?,
            timeout: Duration::from_millis(timeout_ms),
            include_apikey: flag("WEBHOOK_INCLUDE_APIKEY", false)?,
        })
    }
}

/// What the environment says about the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerConfig {
    /// `SERVER_URL`: the API's own address, as shown to clients.
    pub(crate) url: Option<String>,
    /// `SESSION_COMMIT_INTERVAL_MS`: at most one commit of a session database starts per
    /// interval. Local disks need no saving of requests, so the default is short.
    pub(crate) commit_interval: Duration,
    /// `LOGINS_PER_SECOND`: WhatsApp logins at most, over all instances.
    pub(crate) logins_per_second: u32,
}

impl ServerConfig {
    pub(crate) fn from_env() -> Result<Self, BadVariable> {
        let url = text("SERVER_URL")?;
        if let Some(url) = &url
            && url::Url::parse(url).is_err()
        {
            return Err(BadVariable::new("SERVER_URL", "not a valid URL"));
        }
        let logins_per_second = parse("LOGINS_PER_SECOND", 20)?;
        if logins_per_second == 0 {
            return Err(BadVariable::new("LOGINS_PER_SECOND", "must be at least 1"));
        }
        Ok(Self {
            url: url.map(|url| url.trim_end_matches('/').to_owned()),
            commit_interval: Duration::from_millis(parse("SESSION_COMMIT_INTERVAL_MS", 2)?),
            logins_per_second,
        })
    }
}

/// The value of `variable`; empty counts as unset.
pub(crate) fn text(variable: &'static str) -> Result<Option<String>, BadVariable> {
    match env::var(variable) {
        Ok(value) if value.trim().is_empty() => Ok(None),
        Ok(value) => Ok(Some(value.trim().to_owned())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(BadVariable::new(variable, "not valid UTF-8")),
    }
}

fn parse<T: FromStr>(variable: &'static str, default: T) -> Result<T, BadVariable> {
    match text(variable)? {
        None => Ok(default),
        Some(value) => value
            .parse()
            .map_err(|_| BadVariable::new(variable, format!("{value:?} is no number"))),
    }
}

fn flag(variable: &'static str, default: bool) -> Result<bool, BadVariable> {
    match text(variable)?.as_deref() {
        None => Ok(default),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(other) => Err(BadVariable::new(
            variable,
            format!("{other:?} is neither \"true\" nor \"false\""),
        )),
    }
}

fn color(variable: &'static str, default: [u8; 3]) -> Result<[u8; 3], BadVariable> {
    let Some(value) = text(variable)? else {
        return Ok(default);
    };
    let mut rgb = [0; 3];
    match value
        .strip_prefix('#')
        .map(|digits| hex::decode_to_slice(digits, &mut rgb))
    {
        Some(Ok(())) => Ok(rgb),
        _ => Err(BadVariable::new(
            variable,
            format!("{value:?} is not of the form #rrggbb"),
        )),
    }
}
