//! From WhatsApp's ways of ending a connection to our causes.

use pombal_domain::Cause;
use wacore_binary::NodeRef;
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
        Event::RawNode(node) => match node.tag() {
            "stream:error" => of_stream_error(node.get()),
            "xmlstreamend" => Some(Cause::Lost),
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

/// `<stream:error>`: a conflict, a code, or a broken stream. `None` when it says that one stanza
/// went wrong and the stream goes on (`whatsapp-rust/src/client/node_io.rs`).
fn of_stream_error(node: &NodeRef<'_>) -> Option<Cause> {
    let text = |node: &NodeRef<'_>, name: &str| {
        node.get_attr(name)
            .map(|value| value.as_str().into_owned())
            .unwrap_or_default()
    };
    if let Some(conflict) = node.get_optional_child("conflict") {
        return Some(match text(conflict, "type").as_str() {
            "replaced" => Cause::Replaced,
            _ => Cause::LoggedOut,
        });
    }
    Some(match text(node, "code").as_str() {
        "" => {
            node.get_optional_child("xml-not-well-formed")?;
            Cause::ServerError
        }
        "401" | "516" => Cause::LoggedOut,
        "402" => Cause::TemporaryBan,
        "403" => Cause::Forbidden,
        "405" => Cause::ClientOutdated,
        "406" => Cause::InvalidSession,
        "408" => Cause::TimedOut,
        "409" | "440" => Cause::Replaced,
        "428" => Cause::Lost,
        "429" | "503" => Cause::Unavailable,
        "515" => Cause::RestartRequired,
        _ => Cause::ServerError,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    use whatsapp_rust::NodeBuilder;

    fn of_error(code: Option<&str>, child: Option<(&str, &str)>) -> Option<Cause> {
        let mut error = NodeBuilder::new("stream:error");
        if let Some(code) = code {
            error = error.attr("code", code);
        }
        if let Some((tag, kind)) = child {
            error = error.children([NodeBuilder::new_dynamic(tag.to_owned())
                .attr("type", kind)
                .build()]);
        }
        of_stream_error(&error.build().as_node_ref())
    }

    #[test]
    fn a_conflict_counts_more_than_its_code() {
        let replaced = Some(("conflict", "replaced"));
        assert_eq!(of_error(None, replaced), Some(Cause::Replaced));
        assert_eq!(of_error(Some("401"), replaced), Some(Cause::Replaced));
        let removed = Some(("conflict", "device_removed"));
        assert_eq!(of_error(Some("401"), removed), Some(Cause::LoggedOut));
    }

    #[test]
    fn codes_have_their_cause_and_unknown_ones_are_the_servers_fault() {
        assert_eq!(of_error(Some("515"), None), Some(Cause::RestartRequired));
        assert_eq!(of_error(Some("503"), None), Some(Cause::Unavailable));
        assert_eq!(of_error(Some("428"), None), Some(Cause::Lost));
        assert_eq!(of_error(Some("599"), None), Some(Cause::ServerError));
    }

    #[test]
    fn an_error_about_one_stanza_ends_nothing() {
        assert_eq!(of_error(None, Some(("ack", "message"))), None);
        let broken = Some(("xml-not-well-formed", ""));
        assert_eq!(of_error(None, broken), Some(Cause::ServerError));
    }
}
