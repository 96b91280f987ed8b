//! What the supervisor has seen, and how it tells.

use pombal_domain::event::{
    ConnectionUpdate, EventBody, OwnProfile, QrcodeUpdated, StatusInstance,
};
use pombal_domain::instance::{Disconnection, Observed};
use pombal_domain::time::UnixMs;
use pombal_domain::{Cause, ConnectionState, EventId, InstanceName, QrCode, StatusReason};

use crate::publish::Fact;

/// The state that was last published, and the facts that change it.
pub(super) struct State {
    name: InstanceName,
    pub(super) observed: Observed,
}

impl State {
    pub(super) fn new(name: InstanceName, observed: Observed) -> Self {
        Self { name, observed }
    }

    /// A connection is being opened. `None` when that is no news.
    pub(super) fn connecting(&mut self, reason: StatusReason, generation: u64) -> Option<Fact> {
        let seen = &self.observed;
        let known = seen.state == ConnectionState::Connecting
            && seen.reason == reason
            && seen.generation == generation
            && seen.qr.is_none();
        if known {
            return None;
        }
        self.observed.generation = generation;
        self.observed.qr = None;
        Some(self.update(ConnectionState::Connecting, "connecting", reason, false))
    }

    /// A code waits to be used.
    pub(super) fn pairing(&mut self, qr: QrCode, generation: u64) -> Fact {
        self.observed.state = ConnectionState::Connecting;
        self.observed.generation = generation;
        self.observed.qr = Some(qr.clone());
        self.fact(EventBody::QrcodeUpdated(QrcodeUpdated {
            instance: self.name.clone(),
            qr,
        }))
    }

    /// Logged in.
    pub(super) fn open(
        &mut self,
        owner_jid: String,
        profile_name: Option<String>,
        generation: u64,
    ) -> Fact {
        self.observed.generation = generation;
        self.observed.qr = None;
        self.observed.owner_jid = Some(owner_jid);
        if profile_name.is_some() {
            self.observed.profile_name = profile_name;
        }
        self.observed.disconnection = None;
        self.update(ConnectionState::Open, "open", StatusReason(200), true)
    }

    /// The account's name changed.
    pub(super) fn renamed(&mut self, name: String) -> Option<Fact> {
        if self.observed.profile_name.as_deref() == Some(&name) {
            return None;
        }
        self.observed.profile_name = Some(name);
        let profile = self.profile()?;
        Some(self.fact(EventBody::ContactsUpdate(profile)))
    }

    /// The connection is closed for good.
    pub(super) fn closed(&mut self, cause: Cause, generation: u64) -> Vec<Fact> {
        let outcome = cause.outcome();
        let now = UnixMs::now();
        self.observed.generation = generation;
        self.observed.qr = None;
        self.observed.disconnection = Some(Disconnection {
            reason: outcome.reason,
            text: outcome.text.to_owned(),
            at: now,
        });
        let unlinked = outcome.wipes_session;
        let mut facts = Vec::with_capacity(3);
        if cause == Cause::PairingExpired {
            // The contract's name for this close.
            facts.push(self.fact(EventBody::QrcodeLimit));
            facts.push(self.update(ConnectionState::Close, "refused", outcome.reason, false));
            return facts;
        }
        if cause != Cause::Requested {
            facts.push(self.fact(EventBody::StatusInstance(StatusInstance {
                instance: self.name.clone(),
                at: now.iso8601(),
                reason: outcome.reason,
                text: outcome.text,
            })));
        }
        if unlinked {
            facts.push(self.fact(EventBody::LogoutInstance));
            self.observed.owner_jid = None;
            self.observed.profile_name = None;
            self.observed.profile_picture_url = None;
        }
        facts.push(self.update(ConnectionState::Close, "close", outcome.reason, false));
        facts
    }

    fn update(
        &mut self,
        state: ConnectionState,
        shown: &'static str,
        reason: StatusReason,
        with_profile: bool,
    ) -> Fact {
        self.observed.state = state;
        self.observed.reason = reason;
        let profile = if with_profile { self.profile() } else { None };
        self.fact(EventBody::ConnectionUpdate(ConnectionUpdate {
            instance: self.name.clone(),
            state: shown,
            reason,
            profile,
        }))
    }

    fn profile(&self) -> Option<OwnProfile> {
        Some(OwnProfile {
            wuid: self.observed.owner_jid.clone()?,
            name: self.observed.profile_name.clone(),
            picture_url: self.observed.profile_picture_url.clone(),
        })
    }

    /// A fact of our own making: it happens once, so its id is random. The journal keeps it
    /// for a replay.
    fn fact(&self, body: EventBody) -> Fact {
        Fact {
            id: EventId::random(),
            body,
            sender: self.observed.owner_jid.clone(),
            projection: Some(self.observed.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        State::new(InstanceName::parse("b1").unwrap(), Observed::never())
    }

    #[test]
    fn a_state_is_told_once() {
        let mut state = state();
        assert!(state.connecting(StatusReason(200), 1).is_some());
        assert!(state.connecting(StatusReason(200), 1).is_none());
        assert!(state.connecting(StatusReason(503), 1).is_some());
        assert!(state.connecting(StatusReason(503), 2).is_some());
    }

    #[test]
    fn a_logout_forgets_the_profile_and_a_ban_does_not() {
        let mut state = state();
        state.open("5511@s.whatsapp.net".into(), Some("Ana".into()), 1);
        let facts = state.closed(Cause::Forbidden, 1);
        assert_eq!(facts.len(), 2);
        assert_eq!(facts[1].body.data()["statusReason"], 403);
        assert_eq!(state.observed.profile_name.as_deref(), Some("Ana"));

        let facts = state.closed(Cause::LoggedOut, 1);
        let names: Vec<_> = facts.iter().map(|fact| fact.body.name().dotted()).collect();
        assert_eq!(
            names,
            ["status.instance", "logout.instance", "connection.update"]
        );
        assert_eq!(state.observed.owner_jid, None);
        assert_eq!(state.observed.state, ConnectionState::Close);
    }
}
