//! Which instances nobody uses.

use super::{Desired, Instance, Integration};
use crate::connection::{Cause, ConnectionState};
use crate::time::UnixMs;

impl Instance {
    /// Since when it is of no use to anybody: it is closed, no account is linked to it, and
    /// nobody has asked for anything since. None: it is of use, or nobody can be sure.
    ///
    /// Only what its owner has settled counts. A connection that is being paired, or a wish that
    /// nobody has answered, may bring an account that the row does not show yet; once a wish is
    /// settled, only a new one can.
    #[must_use]
    pub fn unused_since(&self) -> Option<UnixMs> {
        let seen = &self.observed;
        let is_settled = seen.state == ConnectionState::Close
            && seen.generation >= self.generation
            && !self.transit.is_under_way();
        let is_ours = self.integration == Integration::Baileys && self.desired != Desired::Moved;
        // Of a damaged session nobody knows what is in it.
        let is_known = seen.reason != Cause::BadSession.outcome().reason;
        // It is forgotten when the device is unlinked.
        let has_account = seen.owner_jid.is_some();
        if !is_settled || !is_ours || !is_known || has_account {
            return None;
        }
        let closed_at = seen.disconnection.as_ref().map(|closed| closed.at);
        closed_at.max(Some(self.created_at.max(self.updated_at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::StatusReason;
    use crate::ids::ShardId;
    use crate::instance::Disconnection;
    use crate::instance::testing::row;

    fn closed(cause: Cause, at: u64) -> Instance {
        let mut row = row();
        let outcome = cause.outcome();
        row.observed.reason = outcome.reason;
        row.observed.disconnection = Some(Disconnection {
            reason: outcome.reason,
            text: outcome.text.to_owned(),
            at: UnixMs(at),
        });
        row
    }

    #[test]
    fn nobody_uses_what_was_never_paired_or_is_logged_out() {
        let mut fresh = row();
        fresh.created_at = UnixMs(5);
        fresh.updated_at = UnixMs(5);
        assert_eq!(fresh.unused_since(), Some(UnixMs(5)));
        // A user has changed it.
        fresh.updated_at = UnixMs(7);
        assert_eq!(fresh.unused_since(), Some(UnixMs(7)));
        for cause in [
            Cause::LoggedOut,
            Cause::PairingExpired,
            Cause::Requested,
            Cause::ClientOutdated,
        ] {
            let mut row = closed(cause, 9);
            row.desired = Desired::Connected;
            row.updated_at = UnixMs(8);
            assert_eq!(row.unused_since(), Some(UnixMs(9)), "{cause:?}");
        }
    }

    #[test]
    fn whatever_may_have_an_account_is_of_use() {
        let good = closed(Cause::PairingExpired, 9);
        assert!(good.unused_since().is_some());
        type Change = fn(&mut Instance);
        let changes: [(&str, Change); 9] = [
            ("linked", |row| {
                row.observed.owner_jid = Some("5511999990001@s.whatsapp.net".to_owned());
            }),
            ("open", |row| row.observed.state = ConnectionState::Open),
            ("on its way back", |row| {
                row.observed.state = ConnectionState::Connecting;
            }),
            ("about to connect", |row| row.generation += 1),
            ("elsewhere", |row| row.desired = Desired::Moved),
            ("of the Cloud API", |row| {
                row.integration = Integration::Business;
            }),
            ("damaged", |row| row.observed.reason = StatusReason(500)),
            ("leaving its shard", |row| row.transit.to = Some(ShardId(1))),
            ("arriving", |row| {
                row.transit.arriving = Some(crate::MoveId::random());
            }),
        ];
        for (what, change) in changes {
            let mut row = good.clone();
            change(&mut row);
            assert_eq!(row.unused_since(), None, "{what}");
        }
    }
}
