//! Why a request got no answer.

use std::error::Error as StdError;
use std::net::IpAddr;

use super::resolver::Refused;

/// A request got no answer. No message holds the URL: paths and queries may hold secrets.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL can't be requested: not HTTP, or without a host.
    #[error("invalid URL: {0}")]
    InvalidUrl(&'static str),
    /// The host is, or resolves to nothing but, addresses that are out of bounds.
    #[error("address {addr} is out of bounds")]
    Blocked {
        /// One of them.
        addr: IpAddr,
    },
    /// The host's name does not resolve.
    #[error("can't resolve host name")]
    Resolve(#[source] Box<dyn StdError + Send + Sync>),
    /// No connection, or no TLS.
    #[error("can't connect")]
    Connect(#[source] Box<dyn StdError + Send + Sync>),
    /// The proxy refused to connect, or spoke another protocol.
    #[error("the proxy does not connect")]
    Proxy(#[source] Box<dyn StdError + Send + Sync>),
    /// No answer in time.
    #[error("timed out")]
    TimedOut,
    /// The request can't be sent, or the connection broke before there was an answer.
    #[error("request failed")]
    Request(#[source] Box<dyn StdError + Send + Sync>),
    /// The answer is longer than the caller takes.
    #[error("answer longer than {limit} bytes")]
    TooLarge {
        /// What the caller takes.
        limit: usize,
    },
    /// The client can't be made.
    #[error("can't set up the HTTP client")]
    Setup(#[source] Box<dyn StdError + Send + Sync>),
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        match refusal(&error) {
            Some(Refused::Blocked(addr)) => return Self::Blocked { addr: *addr },
            Some(Refused::Failed(_) | Refused::Empty) => return Self::Resolve(error.into()),
            None => {}
        }
        // A connection that took too long is both; the time-out says more.
        if error.is_timeout() {
            Self::TimedOut
        } else if error.is_connect() {
            Self::Connect(error.into())
        } else {
            Self::Request(error.into())
        }
    }
}

/// The resolver's own error, somewhere below the client's.
fn refusal(error: &reqwest::Error) -> Option<&Refused> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref() {
            return Some(refused);
        }
        cause = error.source();
    }
    None
}
