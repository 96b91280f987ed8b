//! The proxy of an instance: what its connections to WhatsApp go through.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::UnixMs;

/// How a proxy is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProxyProtocol {
    /// HTTP CONNECT (RFC 9110 § 9.3.6).
    Http,
    /// HTTP CONNECT over TLS.
    Https,
    /// SOCKS 5 (RFC 1928). The proxy resolves names.
    Socks5,
}

/// No proxy is spoken to like this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown proxy protocol {0:?}")]
pub struct UnknownProtocol(pub String);

impl ProxyProtocol {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Http, Self::Https, Self::Socks5];

    /// The name in bodies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
        }
    }
}

impl FromStr for ProxyProtocol {
    type Err = UnknownProtocol;

    /// Takes the names that people write: `socks` is the original's, `socks5h` that of curl for
    /// a proxy that resolves names, and some write `http://`.
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let name = s.trim().to_ascii_lowercase();
        match name.trim_end_matches("://") {
            "http" => Ok(Self::Http),
            "https" => Ok(Self::Https),
            "socks" | "socks5" | "socks5h" => Ok(Self::Socks5),
            _ => Err(UnknownProtocol(s.to_owned())),
        }
    }
}

impl fmt::Display for ProxyProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a proxy is, and who its user is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyServer {
    /// How it is spoken to.
    pub protocol: ProxyProtocol,
    /// A name, or an address. IPv6 addresses stand without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Its user.
    pub username: Option<String>,
    /// The user's password, sealed under the instance's data key.
    pub password_sealed: Option<Vec<u8>>,
}

impl fmt::Debug for ProxyServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Providers put customer numbers into user names.
        f.debug_struct("ProxyServer")
            .field("protocol", &self.protocol)
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// The proxy of one instance, as stored. It is changed, and never removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyConfig {
    /// Identity of the row, kept over changes.
    pub id: Uuid,
    /// Grows with each change. Whoever has seen one takes no earlier one, which may say to go
    /// without a proxy.
    pub revision: u64,
    /// Off: connections go as if there were none.
    pub enabled: bool,
    /// Where it is; none if it was never said.
    pub server: Option<ProxyServer>,
    /// When the row was made.
    pub created_at: UnixMs,
    /// When it last changed.
    pub updated_at: UnixMs,
}

impl ProxyConfig {
    /// The server to use now.
    #[must_use]
    pub fn active(&self) -> Option<&ProxyServer> {
        self.server.as_ref().filter(|_| self.enabled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_taken_as_people_write_them() {
        for (text, protocol) in [
            ("http", ProxyProtocol::Http),
            ("HTTPS", ProxyProtocol::Https),
            (" http:// ", ProxyProtocol::Http),
            ("socks", ProxyProtocol::Socks5),
            ("socks5h", ProxyProtocol::Socks5),
            ("SOCKS5://", ProxyProtocol::Socks5),
        ] {
            assert_eq!(text.parse(), Ok(protocol), "{text:?}");
        }
        // SOCKS 4 has no passwords and no names; it is not spoken.
        for text in ["", "socks4", "ftp", "://"] {
            assert!(text.parse::<ProxyProtocol>().is_err(), "{text:?}");
        }
        for protocol in ProxyProtocol::ALL {
            assert_eq!(protocol.as_str().parse(), Ok(protocol));
        }
    }

    #[test]
    fn user_and_password_are_not_printed() {
        let server = ProxyServer {
            protocol: ProxyProtocol::Http,
            host: "proxy.test".into(),
            port: 3128,
            username: Some("customer-7".into()),
            password_sealed: Some(vec![7; 40]),
        };
        let shown = format!("{server:?}");
        assert!(
            !shown.contains("customer-7") && !shown.contains("7, 7"),
            "{shown}"
        );
    }
}
