//! What the environment says about connections. Evolution's names are kept where they mean the
//! same.

use std::time::Duration;

use pombal_ownership::LeaseTimes;
use pombal_store::egress::Reach;
use pombal_store::env::{self, BadVariable};
use pombal_store::proxy::{self, Proxy};

/// What the environment says about pairing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairingConfig {
    /// `QRCODE_LIMIT`: codes shown before giving up.
    pub qr_limit: u32,
    /// `QRCODE_COLOR`: `#rrggbb`.
    pub qr_color: [u8; 3],
    /// `CONFIG_SESSION_PHONE_CLIENT`: name of the linked device on the phone.
    pub device_name: String,
}

impl PairingConfig {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`BadVariable`].
    pub fn from_env() -> Result<Self, BadVariable> {
        let device_name = env::text("CONFIG_SESSION_PHONE_CLIENT")?;
        Ok(Self {
            qr_limit: env::at_least_one("QRCODE_LIMIT", 30)?,
            qr_color: env::color("QRCODE_COLOR", [0x19, 0x87, 0x54])?,
            device_name: device_name.unwrap_or_else(|| "Pombal".to_owned()),
        })
    }
}

/// Shortest lease that leaves time for three renewals.
const MIN_LEASE_MS: u64 = 1_000;

/// `LEASE_MS`: how long a connector may be silent before others take its shards. It renews four
/// times as often, and gives everything up after three quarters.
///
/// # Errors
/// [`BadVariable`] below a second.
pub fn lease_from_env() -> Result<LeaseTimes, BadVariable> {
    let defaults = LeaseTimes::default();
    let default = u64::try_from(defaults.expires_after.as_millis()).unwrap_or(u64::MAX);
    let lease_ms = env::parse("LEASE_MS", default)?;
    if lease_ms < MIN_LEASE_MS {
        let problem = format!("{lease_ms} is below {MIN_LEASE_MS}");
        return Err(BadVariable::new("LEASE_MS", problem));
    }
    let quarter = Duration::from_millis(lease_ms) / 4;
    Ok(LeaseTimes {
        renew_every: quarter,
        fence_after: quarter * 3,
        expires_after: quarter * 4,
    })
}

/// What the environment says about proxies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyConfig {
    /// `PROXY_HOST` and its like: what instances without a proxy of their own go through.
    pub default: Option<Proxy>,
    /// `PROXY_ALLOW_PRIVATE`: where the proxies of instances may be.
    pub reach: Reach,
}

impl ProxyConfig {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`BadVariable`].
    pub fn from_env() -> Result<Self, BadVariable> {
        Ok(Self {
            default: Proxy::from_env()?,
            reach: proxy::reach_from_env()?,
        })
    }
}

/// What the environment says about sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionConfig {
    /// `SESSION_COMMIT_INTERVAL_MS`: at most one commit of a session database starts per
    /// interval.
    pub commit_interval: Duration,
    /// `LOGINS_PER_SECOND`: WhatsApp logins at most, over all instances of one connector.
    pub logins_per_second: u32,
    /// `FLEET_LOGINS_PER_SECOND`: the same over all connectors.
    pub fleet_logins_per_second: u32,
}

impl SessionConfig {
    /// Reads the environment. The best `commit_interval` depends on the storage: a local disk
    /// needs no saving of requests.
    ///
    /// # Errors
    /// [`BadVariable`].
    pub fn from_env(commit_interval: Duration) -> Result<Self, BadVariable> {
        let default = u64::try_from(commit_interval.as_millis()).unwrap_or(u64::MAX);
        let commit_ms = env::parse("SESSION_COMMIT_INTERVAL_MS", default)?;
        Ok(Self {
            commit_interval: Duration::from_millis(commit_ms),
            logins_per_second: env::at_least_one("LOGINS_PER_SECOND", 20)?,
            fleet_logins_per_second: env::at_least_one("FLEET_LOGINS_PER_SECOND", 200)?,
        })
    }
}
