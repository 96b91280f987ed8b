//! Connection states, and the one table that maps every cause of a change to them.

use serde::{Deserialize, Serialize};

/// The three states that the contract knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConnectionState {
    /// A socket is being opened, is waiting to be paired, or will be opened again.
    Connecting,
    /// Logged in.
    Open,
    /// No socket, and none will be opened until somebody asks.
    Close,
}

impl ConnectionState {
    /// The state's name in the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Open => "open",
            Self::Close => "close",
        }
    }
}

/// The contract's `statusReason`: an HTTP-like code, mostly WhatsApp's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StatusReason(pub u16);

/// Whether and how an instance connects again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reconnect {
    /// Only when a user asks.
    Never,
    /// With exponential backoff and full jitter.
    Backoff,
    /// At once and silently.
    AtOnce,
    /// One try after a pause, if the shard is still ours.
    OnceIfOwner,
}

/// Why a connection is in its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A user asked for it.
    Requested,
    /// The phone or the server removed this device.
    LoggedOut,
    /// Payment required, or a temporary ban.
    TemporaryBan,
    /// The account is banned or locked.
    Forbidden,
    /// WhatsApp no longer takes this client's version.
    ClientOutdated,
    /// WhatsApp does not know the session.
    InvalidSession,
    /// No answer in time.
    TimedOut,
    /// The socket broke.
    Lost,
    /// The pairing codes ran out: nobody scanned.
    PairingExpired,
    /// Another connection took this session's place.
    Replaced,
    /// WhatsApp had an internal error.
    ServerError,
    /// WhatsApp is unavailable, or can't be reached.
    Unavailable,
    /// WhatsApp asks for a new stream, as it does after pairing.
    RestartRequired,
    /// The stored session is damaged. It is left as it is until an operator has looked.
    BadSession,
}

/// One row of the table of causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The state that the instance is in afterwards.
    pub state: ConnectionState,
    /// The code that users see.
    pub reason: StatusReason,
    /// The text for people.
    pub text: &'static str,
    /// Whether it connects again.
    pub reconnect: Reconnect,
    /// Whether the session is worthless and must be wiped.
    pub wipes_session: bool,
}

impl Cause {
    /// Every cause, for tables and tests.
    pub const ALL: [Self; 14] = [
        Self::Requested,
        Self::LoggedOut,
        Self::TemporaryBan,
        Self::Forbidden,
        Self::ClientOutdated,
        Self::InvalidSession,
        Self::TimedOut,
        Self::Lost,
        Self::PairingExpired,
        Self::Replaced,
        Self::ServerError,
        Self::Unavailable,
        Self::RestartRequired,
        Self::BadSession,
    ];

    /// The table of causes (DESIGN § 7). The codes are Baileys' `DisconnectReason`.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        use ConnectionState::{Close, Connecting};
        let (state, code, text, reconnect) = match self {
            Self::Requested => (Close, 200, "closed on request", Reconnect::Never),
            Self::LoggedOut => (Close, 401, "logged out: device removed", Reconnect::Never),
            Self::TemporaryBan => (Close, 402, "temporarily banned", Reconnect::Never),
            Self::Forbidden => (Close, 403, "forbidden: account banned", Reconnect::Never),
            Self::ClientOutdated => (Close, 405, "client outdated", Reconnect::Never),
            Self::InvalidSession => (Close, 406, "invalid session", Reconnect::Never),
            Self::TimedOut => (Connecting, 408, "connection timed out", Reconnect::Backoff),
            Self::Lost => (Connecting, 428, "connection lost", Reconnect::Backoff),
            Self::PairingExpired => (Close, 428, "pairing codes ran out", Reconnect::Never),
            Self::Replaced => (
                Close,
                440,
                "replaced by another connection",
                Reconnect::OnceIfOwner,
            ),
            Self::ServerError => (Connecting, 500, "server error", Reconnect::Backoff),
            Self::Unavailable => (Connecting, 503, "service unavailable", Reconnect::Backoff),
            Self::RestartRequired => (Connecting, 515, "restart required", Reconnect::AtOnce),
            Self::BadSession => (
                Close,
                500,
                "stored session damaged: ask the operator",
                Reconnect::Never,
            ),
        };
        Outcome {
            state,
            reason: StatusReason(code),
            text,
            reconnect,
            wipes_session: matches!(self, Self::LoggedOut),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_reconnects_is_not_shown_as_closed() {
        for cause in Cause::ALL {
            let row = cause.outcome();
            match row.reconnect {
                Reconnect::Never | Reconnect::OnceIfOwner => {
                    assert_eq!(row.state, ConnectionState::Close, "{cause:?}");
                }
                Reconnect::Backoff | Reconnect::AtOnce => {
                    assert_eq!(row.state, ConnectionState::Connecting, "{cause:?}");
                }
            }
        }
    }
}
