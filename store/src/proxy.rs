//! Proxies with their passwords opened, and where they come from: an instance's row, or the
//! environment.

use std::fmt;

use pombal_domain::{Instance, InstanceId, ProxyProtocol, ProxyServer};
use url::Host;
use zeroize::Zeroizing;

use crate::egress::Reach;
use crate::env::{self, BadVariable};
use crate::keys::{self, DataKey, Keys};

/// Longest user name, and longest password, in bytes: what SOCKS 5 can carry (RFC 1929 § 2).
pub const MAX_CREDENTIAL_BYTES: usize = 255;
/// The port where none is named: the original's.
const DEFAULT_PORT: u16 = 80;

/// A proxy that can be dialled. It never prints its user or password.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// How it is spoken to.
    pub protocol: ProxyProtocol,
    /// A name or an address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// User name and password, if it wants them.
    pub credentials: Option<Credentials>,
}

/// Who the user of a proxy is.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name; may be empty.
    pub username: String,
    /// The password; may be empty. It is wiped from memory when dropped.
    pub password: Zeroizing<String>,
}

/// A stored password can't be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data key does not unwrap.
    #[error("data key not available")]
    Keys(#[from] keys::Error),
    /// The sealed password is damaged, or of another instance.
    #[error("the proxy's password does not open")]
    Open(#[from] keys::OpenError),
    /// The password is no text.
    #[error("the proxy's password is not UTF-8")]
    Utf8(#[from] std::string::FromUtf8Error),
}

impl Proxy {
    /// The proxy that the row of `instance` asks for, if it asks for one.
    ///
    /// # Errors
    /// [`Error`]. It must not be taken for "no proxy".
    pub async fn of(instance: &Instance, keys: &dyn Keys) -> Result<Option<Self>, Error> {
        let Some(server) = instance.proxy.as_ref().and_then(|proxy| proxy.active()) else {
            return Ok(None);
        };
        let password = password(instance, server, keys).await?;
        Ok(Some(Self::at(server, password)))
    }

    /// The proxy at `server`, for a user with this password.
    #[must_use]
    pub fn at(server: &ProxyServer, password: Option<Zeroizing<String>>) -> Self {
        let named = server.username.is_some() || password.is_some();
        Self {
            protocol: server.protocol,
            host: server.host.clone(),
            port: server.port,
            credentials: named.then(|| Credentials {
                username: server.username.clone().unwrap_or_default(),
                password: password.unwrap_or_default(),
            }),
        }
    }

    /// `PROXY_HOST`, `PROXY_PORT`, `PROXY_PROTOCOL`, `PROXY_USERNAME`, `PROXY_PASSWORD`: the
    /// proxy of instances that have none of their own. None without `PROXY_HOST`.
    ///
    /// # Errors
    /// [`BadVariable`]; a user or a password for no proxy is one as well: somebody relies on a
    /// proxy that is not there.
    pub fn from_env() -> Result<Option<Self>, BadVariable> {
        let credential = |name| match env::text(name)? {
            Some(text) if text.len() > MAX_CREDENTIAL_BYTES => {
                let problem = format!("is longer than {MAX_CREDENTIAL_BYTES} bytes");
                Err(BadVariable::new(name, problem))
            }
            text => Ok(text),
        };
        let (username, password) = (credential("PROXY_USERNAME")?, credential("PROXY_PASSWORD")?);
        let protocol = env::text("PROXY_PROTOCOL")?.map_or(Ok(ProxyProtocol::Http), |text| {
            let known = || BadVariable::new("PROXY_PROTOCOL", "is not http, https or socks5");
            text.parse().map_err(|_| known())
        })?;
        let port = env::at_least_one("PROXY_PORT", DEFAULT_PORT)?;
        let Some(host) = env::text("PROXY_HOST")? else {
            let idle = [("PROXY_USERNAME", &username), ("PROXY_PASSWORD", &password)];
            return match idle.into_iter().find(|(_, value)| value.is_some()) {
                Some((name, _)) => Err(BadVariable::new(name, "is set without PROXY_HOST")),
                None => Ok(None),
            };
        };
        let host = host_name(&host)
            .ok_or_else(|| BadVariable::new("PROXY_HOST", "is no name or address of a host"))?;
        let server = ProxyServer {
            protocol,
            host,
            port,
            username,
            password_sealed: None,
        };
        Ok(Some(Self::at(&server, password.map(Zeroizing::new))))
    }

    /// Whether it is an address of this machine, written out.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let addr = self.host.parse::<std::net::IpAddr>();
        addr.is_ok_and(|addr| addr.is_loopback())
    }
}

/// `PROXY_ALLOW_PRIVATE`: where the proxies of instances may be. The operator's own, of
/// [`Proxy::from_env`], may be in private networks in any case.
///
/// # Errors
/// [`BadVariable`].
pub fn reach_from_env() -> Result<Reach, BadVariable> {
    Ok(if env::flag("PROXY_ALLOW_PRIVATE", false)? {
        Reach::PublicAndPrivate
    } else {
        Reach::Public
    })
}

/// `text` as a host: a name in its ASCII form, or an address without brackets. `None` if it is
/// neither, as a whole URL is.
#[must_use]
pub fn host_name(text: &str) -> Option<String> {
    let text = text.trim();
    if text.parse::<std::net::Ipv6Addr>().is_ok() {
        return Some(text.to_owned());
    }
    match Host::parse(text).ok()? {
        Host::Domain(name) => Some(name),
        Host::Ipv4(addr) => Some(addr.to_string()),
        Host::Ipv6(addr) => Some(addr.to_string()),
    }
}

/// The password that the row of `instance` keeps for `server`, if it keeps one.
///
/// # Errors
/// [`Error`].
pub async fn password(
    instance: &Instance,
    server: &ProxyServer,
    keys: &dyn Keys,
) -> Result<Option<Zeroizing<String>>, Error> {
    let Some(sealed) = &server.password_sealed else {
        return Ok(None);
    };
    let key = keys.unwrap(instance.id, &instance.data_key).await?;
    let password = key.open(&associated(instance.id), sealed)?;
    Ok(Some(Zeroizing::new(String::from_utf8(password)?)))
}

/// Seals the password of the proxy of `instance`.
///
/// # Errors
/// When the system's random source fails.
pub fn seal_password(
    key: &DataKey,
    instance: InstanceId,
    password: &str,
) -> Result<Vec<u8>, ring::error::Unspecified> {
    key.seal(&associated(instance), password.as_bytes())
}

/// Binds a sealed password to its instance.
fn associated(instance: InstanceId) -> Vec<u8> {
    format!("proxy:{instance}").into_bytes()
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.protocol, self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() {
        for (text, host) in [
            ("proxy.test", "proxy.test"),
            (" Proxy.Test ", "proxy.test"),
            ("203.0.113.9", "203.0.113.9"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            // As a browser reads it.
            ("127.1", "127.0.0.1"),
        ] {
            assert_eq!(host_name(text).as_deref(), Some(host), "{text:?}");
        }
        for text in [
            "",
            "http://proxy.test",
            "proxy.test:80",
            "a b",
            "u@proxy.test",
            "a/b",
        ] {
            assert_eq!(host_name(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_proxy_shows_neither_user_nor_password() {
        let proxy = Proxy {
            protocol: ProxyProtocol::Socks5,
            host: "proxy.test".into(),
            port: 1080,
            credentials: Some(Credentials {
                username: "customer-7".into(),
                password: Zeroizing::new("hush".to_owned()),
            }),
        };
        assert_eq!(
            format!("{proxy:?} {proxy}"),
            "socks5://proxy.test:1080 socks5://proxy.test:1080"
        );
    }

    #[test]
    fn a_password_opens_for_its_instance_only() {
        let (key, id) = (DataKey::random().unwrap(), InstanceId::random());
        let sealed = seal_password(&key, id, "hush").unwrap();
        assert_eq!(key.open(&associated(id), &sealed).unwrap(), b"hush");
        assert!(
            key.open(&associated(InstanceId::random()), &sealed)
                .is_err()
        );
    }
}
