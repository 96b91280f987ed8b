//! Where WhatsApp is, and the rule that keeps demo builds away from it.

use std::fmt;

use url::{Host, Url};
use whatsapp_rust::wacore::net::WHATSAPP_WEB_WS_URL;

/// A WhatsApp websocket address that this build may dial.
///
/// A build with the feature `demo` does not check WhatsApp's certificate. So it takes
/// loopback addresses only; there is no other way to make an `Endpoint`.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

/// The address can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BadEndpoint {
    /// Not an URL.
    #[error("not a valid address")]
    Syntax(#[from] url::ParseError),
    /// Neither `wss` nor `ws`, or `ws` to another machine.
    #[error("the address must be wss://, or ws:// to a loopback address")]
    Scheme,
    /// A demo build was pointed at something that is not loopback.
    #[error("this is a demo build: it connects to loopback addresses only, never to WhatsApp")]
    DemoBuild,
}

impl Endpoint {
    /// WhatsApp itself.
    ///
    /// # Errors
    /// [`BadEndpoint::DemoBuild`] in a demo build.
    pub fn whatsapp() -> Result<Self, BadEndpoint> {
        Self::parse(WHATSAPP_WEB_WS_URL)
    }

    /// Another address, for a relay or a fake server.
    ///
    /// # Errors
    /// See [`BadEndpoint`].
    pub fn parse(address: &str) -> Result<Self, BadEndpoint> {
        let url = Url::parse(address)?;
        let loopback = is_loopback(&url);
        if cfg!(feature = "demo") && !loopback {
            return Err(BadEndpoint::DemoBuild);
        }
        match url.scheme() {
            "wss" => Ok(Self(url)),
            "ws" if loopback => Ok(Self(url)),
            _ => Err(BadEndpoint::Scheme),
        }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it is on this machine: a fake server, or a relay.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }
}

/// A name could resolve to anything by the time it is dialled: only literals count.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        _ => false,
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_sockets_stay_on_this_machine() {
        assert!(Endpoint::parse("ws://127.0.0.1:9000/ws/chat").is_ok());
        assert!(Endpoint::parse("ws://[::1]:9000/ws/chat").is_ok());
        for bad in [
            "ws://10.0.0.1/ws",
            "ws://localhost/ws",
            "http://127.0.0.1/",
            "nonsense",
        ] {
            assert!(Endpoint::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    #[cfg(not(feature = "demo"))]
    fn a_production_build_dials_whatsapp() {
        assert!(!Endpoint::whatsapp().unwrap().is_loopback());
    }

    #[test]
    #[cfg(feature = "demo")]
    fn a_demo_build_refuses_everything_but_loopback() {
        assert!(matches!(Endpoint::whatsapp(), Err(BadEndpoint::DemoBuild)));
        for bad in [
            "wss://web.whatsapp.com/ws/chat",
            "wss://localhost/ws",
            "wss://127.0.0.1.x.com/",
        ] {
            assert!(
                matches!(Endpoint::parse(bad), Err(BadEndpoint::DemoBuild)),
                "{bad}"
            );
        }
        assert!(Endpoint::parse("wss://127.0.0.1/ws").is_ok());
    }
}
