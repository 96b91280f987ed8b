//! Everything the server knows, behind one lock.

pub(crate) mod account;
pub(crate) mod account_sync;
pub(crate) mod accounts;
pub(crate) mod addressing;
pub(crate) mod api;
pub(crate) mod api_social;
pub(crate) mod call_offer;
pub(crate) mod call_stanza;
pub(crate) mod calls;
pub(crate) mod changes;
pub(crate) mod chatstate;
pub(crate) mod checks;
pub(crate) mod conns;
pub(crate) mod delivery;
pub(crate) mod device;
pub(crate) mod ending;
pub(crate) mod group_rules;
pub(crate) mod hub;
pub(crate) mod load;
pub(crate) mod login;
pub(crate) mod media;
pub(crate) mod notices;
pub(crate) mod presence;
pub(crate) mod privacy;
pub(crate) mod profile;
pub(crate) mod queue;
pub(crate) mod reregister;
pub(crate) mod rules;
pub(crate) mod social;
pub(crate) mod stanza;
pub(crate) mod tokens;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use wacore_binary::Jid;

use crate::addr::Addr;
use crate::config::Config;
use crate::error::Error;
use crate::groups::Group;
use crate::media::MediaHost;
use crate::seen::Seen;
use crate::store::Store;
use account::Account;
use calls::Call;
use conns::{Conn, ConnId, Outgoing};
use device::Device;
use ending::Trouble;
use notices::Notice;
use presence::Presences;
use profile::Picture;
use tokens::Token;

/// The state of the server.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) accounts: BTreeMap<String, Account>,
    /// Phone number by LID user.
    pub(crate) lids: HashMap<String, String>,
    /// Groups by the user part of their JID.
    pub(crate) groups: BTreeMap<String, Group>,
    /// Invite codes that were reset.
    pub(crate) old_invites: HashSet<String>,
    pub(crate) conns: HashMap<ConnId, Conn>,
    pub(crate) live: HashMap<Addr, ConnId>,
    /// What was ordered for connections to come.
    pub(crate) troubles: Vec<Trouble>,
    pub(crate) absent: HashSet<String>,
    pub(crate) silenced: HashSet<String>,
    pub(crate) presences: Presences,
    /// What each phone showed.
    pub(crate) notices: HashMap<String, VecDeque<Notice>>,
    /// Trusted-contact tokens by `issuer/holder`.
    pub(crate) tokens: HashMap<String, Token>,
    /// Calls by id.
    pub(crate) calls: BTreeMap<String, Call>,
    pub(crate) config: Config,
    pub(crate) media: Arc<MediaHost>,
    /// Pictures by the JID of the account or group.
    pub(crate) pictures: HashMap<String, Picture>,
    pub(crate) seen: Seen,
    /// What to do on sockets once the journal is durable.
    pub(crate) out: Vec<(ConnId, Outgoing)>,
    pub(crate) next_conn: ConnId,
}

impl World {
    /// An account that must exist.
    pub(crate) fn account(&self, phone: &str) -> Result<&Account, Error> {
        self.accounts
            .get(phone)
            .ok_or_else(|| Error::missing(format!("no account {phone}")))
    }

    /// An account that must exist, to change it.
    pub(crate) fn account_mut(&mut self, phone: &str) -> Result<&mut Account, Error> {
        self.accounts
            .get_mut(phone)
            .ok_or_else(|| Error::missing(format!("no account {phone}")))
    }

    /// A companion, if it is linked.
    pub(crate) fn device(&self, addr: &Addr) -> Option<&Device> {
        self.accounts.get(&addr.phone)?.devices.get(&addr.device)
    }

    /// A companion, to change it.
    pub(crate) fn device_mut(&mut self, addr: &Addr) -> Option<&mut Device> {
        self.accounts
            .get_mut(&addr.phone)?
            .devices
            .get_mut(&addr.device)
    }

    /// The device that a JID names, in either namespace.
    pub(crate) fn resolve(&self, jid: &Jid) -> Option<Addr> {
        let phone = if jid.is_pn() {
            jid.user.to_string()
        } else if jid.is_lid() {
            self.lids.get(jid.user.as_str())?.clone()
        } else {
            return None;
        };
        Some(Addr::new(phone, jid.device))
    }
}
