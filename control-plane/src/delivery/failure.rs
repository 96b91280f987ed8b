//! Why an attempt failed on the endpoint's side.

use std::time::Duration;

use pombal_store::egress;

/// An attempt without success.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// Any status but 2xx. Redirects are not followed.
    #[error("the endpoint answered {status}")]
    Status {
        status: u16,
        /// How long the endpoint asks to wait.
        retry_after: Option<Duration>,
    },
    /// No answer in time.
    #[error("the endpoint did not answer in time")]
    TimedOut,
    /// No connection, or an address that is out of bounds.
    #[error("the endpoint can't be reached")]
    Unreachable(#[source] egress::Error),
    /// Not tried: the endpoint has just let another event time out.
    #[error("the endpoint does not answer at the moment")]
    Stalled,
}

impl Failure {
    /// The endpoint says that it is gone for good, or answers with one of `also`.
    pub(super) fn is_final(&self, also: &[u16]) -> bool {
        matches!(self, Self::Status { status, .. } if *status == 410 || also.contains(status))
    }

    /// The endpoint has too much to do: it gets more time.
    pub(super) fn is_overload(&self) -> bool {
        matches!(self, Self::Status { status: 429, .. } | Self::TimedOut)
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl From<egress::Error> for Failure {
    fn from(error: egress::Error) -> Self {
        match error {
            egress::Error::TimedOut => Self::TimedOut,
            other => Self::Unreachable(other),
        }
    }
}
