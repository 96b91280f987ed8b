//! One error type for the crate.

use std::net::SocketAddr;

use wacore_libsignal::protocol::{CurveError, SignalProtocolError};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server would be reachable from another machine.
    #[error("{0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// A socket or file operation failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The state database failed.
    #[error("state: {0}")]
    Store(#[from] rusqlite::Error),
    /// The state database holds something unreadable.
    #[error("state is corrupt: {0}")]
    Corrupt(String),
    /// The client sent something that is not the protocol.
    #[error("wire: {0}")]
    Wire(&'static str),
    /// A protobuf message could not be decoded.
    #[error("protobuf: {0}")]
    Proto(String),
    /// A binary stanza could not be decoded or encoded.
    #[error("stanza: {0}")]
    Stanza(#[from] wacore_binary::BinaryError),
    /// The Noise handshake failed.
    #[error("noise: {0}")]
    Noise(#[from] wacore_noise::HandshakeError),
    /// A key was refused.
    #[error("key: {0}")]
    Curve(String),
    /// The Signal protocol refused a message or a bundle.
    #[error("signal: {0}")]
    Signal(#[from] SignalProtocolError),
    /// The websocket failed.
    #[error("websocket: {0}")]
    WebSocket(#[from] tokio_websockets::Error),
    /// No socket waits with this QR code, phone number or contact.
    #[error("{0}")]
    NotFound(String),
    /// A group's rules do not allow it. The words and the number are WhatsApp's.
    #[error("{code} {text}")]
    Denied {
        /// As in `<error code>`.
        code: u16,
        /// As in `<error text>`.
        text: &'static str,
    },
    /// The request makes no sense.
    #[error("{0}")]
    BadRequest(String),
    /// The client refused the link, or did not answer.
    #[error("pairing: {0}")]
    Pairing(String),
}

impl Error {
    pub(crate) fn curve(error: CurveError) -> Self {
        Self::Curve(error.to_string())
    }

    pub(crate) fn proto(error: buffa::DecodeError) -> Self {
        Self::Proto(error.to_string())
    }

    pub(crate) fn missing(what: impl Into<String>) -> Self {
        Self::NotFound(what.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_happened() {
        assert_eq!(
            Error::Wire("no WA header").to_string(),
            "wire: no WA header"
        );
        assert_eq!(Error::missing("no contact 55").to_string(), "no contact 55");
    }
}
