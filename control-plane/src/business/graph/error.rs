//! Why the Graph API did not do something.

use pombal_store::egress;
use serde_json::Value;

/// The Graph API did not do something, or did not say whether it did.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// It refused. `error` is its own object, with `message`, `code`, `error_subcode` and
    /// `fbtrace_id`: <https://developers.facebook.com/docs/graph-api/guides/error-handling>.
    #[error("refused with status {status} and code {}", code(.error))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The error object.
        error: Value,
    },
    /// Nothing has reached it.
    #[error("not reached")]
    NotReached(#[source] egress::Error),
    /// It was asked, and there was no answer: what was asked for may be done.
    #[error("no answer")]
    NoAnswer(#[source] egress::Error),
    /// It answered something that is not of the Graph API.
    #[error("answered with status {status}, and not as the Graph API does")]
    Unreadable {
        /// The HTTP status.
        status: u16,
    },
    /// The address of a medium leads away from Meta: the token must not go there.
    #[error("the address of a medium is not one of Meta's")]
    Elsewhere,
}

impl GraphError {
    pub(super) fn egress(error: egress::Error) -> Self {
        match error {
            egress::Error::InvalidUrl(_)
            | egress::Error::Blocked { .. }
            | egress::Error::Resolve(_)
            | egress::Error::Connect(_)
            | egress::Error::Proxy(_)
            | egress::Error::Setup(_) => Self::NotReached(error),
            egress::Error::TimedOut
            | egress::Error::Request(_)
            | egress::Error::TooLarge { .. } => Self::NoAnswer(error),
        }
    }

    /// Whether asking again may help. Only for what may be asked twice.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::Refused { status, .. } | Self::Unreadable { status } => {
                *status == 429 || *status >= 500
            }
            Self::NotReached(_) => true,
            // Who has waited once for nothing does not wait again.
            Self::NoAnswer(error) => matches!(error, egress::Error::Request(_)),
            Self::Elsewhere => false,
        }
    }
}

/// The code of an error object, for logs: its texts may name people.
fn code(error: &Value) -> i64 {
    error.get("code").and_then(Value::as_i64).unwrap_or(-1)
}
