//! How long a connection is waited for, where the client itself would wait for ever.
//!
//! The client gives up a dial after 20 s, a handshake after 20 s, and a socket on which nothing
//! arrives 20 to 50 s after its own keep-alive (`whatsapp-rust/src/client.rs`, `handshake.rs`,
//! `keepalive.rs`).

use std::time::Duration;

use pombal_domain::Cause;
use tokio::time::Instant;

use crate::instance::run::Run;

/// Longest time without anything readable. The client asks for a sign of life every 15 to 30 s
/// when it hears nothing, and waits 20 s for it.
const SILENCE: Duration = Duration::from_secs(75);
/// Longest time from the dial to a login, or to a code that can be scanned.
const LOGIN: Duration = Duration::from_secs(60);
/// How long WhatsApp may take to close a stream after it has said why.
pub(super) const STREAM_END: Duration = Duration::from_secs(5);

/// What is known of a connection that runs.
struct Waiting {
    heard: Instant,
    /// `None` when it has come as far as it can without a person.
    dialled: Option<Instant>,
    codes_until: Option<Instant>,
    stream_ends: Option<(Instant, Cause)>,
}

impl Waiting {
    /// When patience ends, and what that means.
    fn until(&self) -> (Instant, Cause) {
        let silence = (self.heard + SILENCE, Cause::TimedOut);
        let login = self.dialled.map(|at| (at + LOGIN, Cause::TimedOut));
        let codes = self.codes_until.map(|at| (at, Cause::RestartRequired));
        [login, codes, self.stream_ends]
            .into_iter()
            .flatten()
            .fold(
                silence,
                |first, other| {
                    if other.0 < first.0 { other } else { first }
                },
            )
    }
}

/// When the current connection is given up, and why, if nothing happens before.
pub(super) fn until(run: &Run) -> (Instant, Cause) {
    let now = &run.now;
    let arrived =
        now.opened_at.is_some() || now.last_qr.is_some() || run.built.client.is_logged_in();
    Waiting {
        heard: run.built.heard.last(),
        dialled: (!arrived).then_some(now.dialled_at),
        codes_until: now.give_up_at,
        stream_ends: now
            .stream_ends_at
            .map(|at| (at, now.cause.unwrap_or(Cause::Lost))),
    }
    .until()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_limit_counts() {
        let now = Instant::now();
        let mut waiting = Waiting {
            heard: now,
            dialled: Some(now),
            codes_until: None,
            stream_ends: None,
        };
        assert_eq!(waiting.until(), (now + LOGIN, Cause::TimedOut));
        waiting.dialled = None;
        assert_eq!(waiting.until(), (now + SILENCE, Cause::TimedOut));
        waiting.codes_until = Some(now + Duration::from_secs(30));
        assert_eq!(waiting.until().1, Cause::RestartRequired);
        waiting.stream_ends = Some((now + STREAM_END, Cause::ServerError));
        assert_eq!(waiting.until(), (now + STREAM_END, Cause::ServerError));
    }
}
