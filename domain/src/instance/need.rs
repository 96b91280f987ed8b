//! Which instances somebody has to look after.

use super::{Desired, Instance, Integration};
use crate::connection::ConnectionState;

impl Instance {
    /// Whether a connector has something to do for it: it has a connection or tries to get one,
    /// nobody has settled its current wish yet, or it changes shards. An instance that is closed for good, and one
    /// that was never connected, need none.
    #[must_use]
    pub fn needs_connector(&self) -> bool {
        match (self.integration, self.desired) {
            (Integration::Business, _) | (Integration::Baileys, Desired::Moved) => false,
            (
                Integration::Baileys,
                Desired::Connected | Desired::Disconnected | Desired::LoggedOut,
            ) => {
                // What was seen before the current wish is no answer to it.
                let is_answered = self.observed.generation >= self.generation;
                !is_answered
                    || self.observed.state != ConnectionState::Close
                    || self.transit.is_under_way()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ShardId;
    use crate::instance::{Observed, Transit, testing};

    fn row(desired: Desired, generation: u64, seen: (u64, ConnectionState)) -> Instance {
        Instance {
            desired,
            generation,
            observed: Observed {
                generation: seen.0,
                state: seen.1,
                ..Observed::never()
            },
            ..testing::row()
        }
    }

    #[test]
    fn who_changes_shards_needs_a_connector() {
        let closed = row(Desired::Disconnected, 0, (0, ConnectionState::Close));
        assert!(!closed.needs_connector());
        let to = Some(ShardId(1));
        let transit = Transit {
            to,
            ..closed.transit
        };
        assert!(Instance { transit, ..closed }.needs_connector());
    }

    #[test]
    fn who_speaks_through_the_cloud_api_needs_no_connector() {
        let open = row(Desired::Connected, 2, (1, ConnectionState::Open));
        assert!(open.needs_connector());
        let integration = Integration::Business;
        assert!(
            !Instance {
                integration,
                ..open
            }
            .needs_connector()
        );
    }

    #[test]
    fn a_connection_and_a_wish_that_nobody_settled_need_a_connector() {
        use ConnectionState::{Close, Connecting, Open};
        use Desired::{Connected, Disconnected, LoggedOut, Moved};
        for (desired, generation, seen, needed) in [
            // Created, and never connected.
            (Disconnected, 0, (0, Close), false),
            // A wish, and how it gets on.
            (Connected, 1, (0, Close), true),
            (Connected, 1, (1, Connecting), true),
            (Connected, 1, (1, Open), true),
            // Banned, or nobody has scanned a code.
            (Connected, 1, (1, Close), false),
            // Connected again.
            (Connected, 2, (1, Close), true),
            (LoggedOut, 3, (2, Open), true),
            // Closed by itself before the logout: the device is still to be unlinked.
            (LoggedOut, 3, (2, Close), true),
            (LoggedOut, 3, (3, Connecting), true),
            (LoggedOut, 3, (3, Close), false),
            (Disconnected, 4, (3, Open), true),
            (Disconnected, 4, (4, Close), false),
            // Looked after by somebody else.
            (Moved, 5, (4, Open), false),
        ] {
            let row = row(desired, generation, seen);
            assert_eq!(row.needs_connector(), needed, "{desired:?} {seen:?}");
        }
    }
}
