//! From WhatsApp's ways of ending a connection to our causes.

use pombal_domain::Cause;
use whatsapp_rust::transport::DisconnectReason;
use whatsapp_rust::types::events::{ConnectFailureReason, Event};

/// The cause that `event` gives for the end of a connection; `None` when it gives none.
pub(super) fn of(event: &Event) -> Option<Cause> {
    match event {
        Event::LoggedOut(logged_out) => Some(of_refusal(logged_out.reason)),
        Event::TemporaryBan(_) => Some(Cause::TemporaryBan),
        Event::ClientOutdated(_) => Some(Cause::ClientOutdated),
        Event::StreamReplaced(_) => Some(Cause::Replaced),
        Event::ConnectFailure(failure) => Some(of_refusal(failure.reason)),
        Event::StreamError(error) => match error.code.as_str() {
            "500" => Some(Cause::ServerError),
            "503" => Some(Cause::Unavailable),
            _ => None,
        },
        Event::Disconnected(disconnected) => Some(match disconnected.reason {
            DisconnectReason::ReadError(_) => Cause::TimedOut,
            DisconnectReason::ServerClose { .. }
            | DisconnectReason::StreamEnded
            | DisconnectReason::Unknown => Cause::Lost,
        }),
        _ => None,
    }
}

/// The codes of `<failure reason>`, as `wacore/src/types/events.rs` names them.
fn of_refusal(reason: ConnectFailureReason) -> Cause {
    use ConnectFailureReason as R;
    match reason {
        R::LoggedOut => Cause::LoggedOut,
        R::TempBanned => Cause::TemporaryBan,
        R::AccountLocked => Cause::Forbidden,
        R::ClientOutdated | R::BadUserAgent => Cause::ClientOutdated,
        R::UnknownLogout | R::NotFound | R::ClientUnknown => Cause::InvalidSession,
        R::ServiceUnavailable => Cause::Unavailable,
        _ => Cause::ServerError,
    }
}
