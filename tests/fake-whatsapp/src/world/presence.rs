//! Who is online, and who is told.
//!
//! Shapes: `whatsapp-rust/src/features/presence.rs` and `whatsapp-rust/src/handlers/presence.rs`.
//! A device hears of others only while it is available itself, and its subscriptions end with
//! its connection: clients subscribe again after a login.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::json;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, NodeRef};

use crate::addr::Addr;
use crate::error::Error;
use crate::nodes::{attr, child_bytes, jid_attr};
use crate::time::now_secs;
use crate::world::World;
use crate::world::notices::Notice;
use crate::world::privacy::{LAST, ONLINE};

/// A device's interest in an account.
#[derive(Clone)]
struct Watch {
    /// The JID that was asked for. Updates come from the same one.
    asked: Jid,
    /// A valid trusted-contact token came with it.
    has_token: bool,
}

/// Presence is not kept: it ends with the connections.
#[derive(Default)]
pub(crate) struct Presences {
    available: HashSet<Addr>,
    watching: HashMap<Addr, BTreeMap<String, Watch>>,
}

/// What one account may know about another's presence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shown {
    Nothing,
    Available,
    /// Offline; with the time when it may be known.
    Away(Option<u64>),
}

impl Presences {
    /// Whether a device said that it is in use.
    pub(crate) fn is_available(&self, addr: &Addr) -> bool {
        self.available.contains(addr)
    }

    fn is_online(&self, phone: &str) -> bool {
        self.available.iter().any(|addr| addr.phone == phone)
    }

    fn watchers(&self, phone: &str) -> Vec<Addr> {
        let mut watchers: Vec<_> = self
            .watching
            .iter()
            .filter(|(_, watched)| watched.contains_key(phone))
            .map(|(addr, _)| addr.clone())
            .collect();
        watchers.sort();
        watchers
    }
}

impl World {
    /// A companion's `<presence>`.
    pub(crate) fn presence(&mut self, addr: &Addr, node: &NodeRef<'_>) {
        let kind = attr(node, "type");
        let to = jid_attr(node, "to");
        let details = json!({
            "type": kind, "name": attr(node, "name"), "to": to.as_ref().map(Jid::to_string),
        });
        self.seen.add("presence", Some(addr), details);
        match (kind.as_deref(), to) {
            (Some("subscribe"), Some(to)) => self.subscribe(addr, to, child_bytes(node, "tctoken")),
            (Some("unsubscribe"), Some(to)) => self.unsubscribe(addr, &to),
            (Some("available"), _) => self.set_available(addr, true),
            (Some("unavailable"), _) => self.set_available(addr, false),
            _ => {}
        }
        if let Some(name) = attr(node, "name")
            && let Err(error) = self.push_name_from(addr, &name)
        {
            tracing::warn!(%error, %addr, "push name not taken");
        }
    }

    /// A simulated phone is taken up, or put away.
    pub(crate) fn phone_available(&mut self, phone: &str, on: bool) -> Result<(), Error> {
        self.account(phone)?;
        self.set_available(&Addr::phone(phone), on);
        Ok(())
    }

    /// A simulated phone opens a chat: it wants to know when the other side is there.
    pub(crate) fn phone_subscribes(&mut self, phone: &str, to: &str) -> Result<(), Error> {
        self.account(phone)?;
        self.account(to)?;
        self.subscribe(&Addr::phone(phone), Jid::pn(to), None);
        Ok(())
    }

    /// A device's connection ended.
    pub(crate) fn device_left(&mut self, addr: &Addr) {
        self.presences.watching.remove(addr);
        self.set_available(addr, false);
    }

    fn set_available(&mut self, addr: &Addr, on: bool) {
        let before = self.presences.is_online(&addr.phone);
        let changed = if on {
            self.presences.available.insert(addr.clone())
        } else {
            self.presences.available.remove(addr)
        };
        if on && changed {
            self.tell_all_watched(addr);
        }
        let now = self.presences.is_online(&addr.phone);
        if before == now {
            return;
        }
        if !now {
            let left = now_secs();
            // The account exists: it was online.
            let _ = self.change_social(&addr.phone, |social| social.last_seen = Some(left));
        }
        for watcher in self.presences.watchers(&addr.phone) {
            self.tell_presence(&watcher, &addr.phone);
        }
    }

    fn subscribe(&mut self, addr: &Addr, to: Jid, token: Option<&[u8]>) {
        let Some(target) = self.resolve(&to).filter(|to| self.exists(&to.phone)) else {
            return;
        };
        let watch = Watch {
            has_token: token
                .is_some_and(|token| self.token_is_valid(&target.phone, &addr.phone, token)),
            asked: to.to_non_ad(),
        };
        self.presences
            .watching
            .entry(addr.clone())
            .or_default()
            .insert(target.phone.clone(), watch);
        self.tell_presence(addr, &target.phone);
    }

    fn unsubscribe(&mut self, addr: &Addr, to: &Jid) {
        let target = self.resolve(to);
        if let (Some(target), Some(watched)) = (target, self.presences.watching.get_mut(addr)) {
            watched.remove(&target.phone);
        }
    }

    fn tell_all_watched(&mut self, addr: &Addr) {
        let watched: Vec<_> = self
            .presences
            .watching
            .get(addr)
            .map(|watched| watched.keys().cloned().collect())
            .unwrap_or_default();
        for phone in watched {
            self.tell_presence(addr, &phone);
        }
    }

    fn tell_presence(&mut self, to: &Addr, of: &str) {
        let watch = self
            .presences
            .watching
            .get(to)
            .and_then(|watched| watched.get(of))
            .cloned();
        let Some(watch) = watch.filter(|_| self.presences.is_available(to)) else {
            return;
        };
        let shown = self.shown_to(&to.phone, of, watch.has_token);
        let mut stanza = NodeBuilder::new("presence").attr("from", &watch.asked);
        match shown {
            Shown::Nothing => return,
            Shown::Available => {}
            Shown::Away(last) => {
                stanza = stanza.attr("type", "unavailable").attr(
                    "last",
                    last.map_or_else(|| "deny".to_owned(), |t| t.to_string()),
                );
            }
        }
        if to.device == 0 {
            return self
                .phone_noticed(&to.phone, Notice::presence(of, shown.state(), shown.last()));
        }
        if let Some(conn) = self.conn_of(to) {
            self.send(conn, &stanza.build());
        }
    }

    /// Who hides when he was last seen does not see it of others.
    fn shown_to(&self, viewer: &str, owner: &str, has_token: bool) -> Shown {
        if self.blocked_between(owner, viewer) {
            return Shown::Nothing;
        }
        let sees_last = self.may_see(owner, viewer, LAST, has_token)
            && self.may_see(viewer, owner, LAST, false);
        let Ok(account) = self.account(owner) else {
            return Shown::Nothing;
        };
        let sees_online = account.social.privacy.value(ONLINE) != "match_last_seen" || sees_last;
        if self.presences.is_online(owner) && sees_online {
            return Shown::Available;
        }
        Shown::Away(account.social.last_seen.filter(|_| sees_last))
    }
}

impl Shown {
    fn state(self) -> &'static str {
        match self {
            Self::Available => "available",
            _ => "unavailable",
        }
    }

    fn last(self) -> Option<u64> {
        match self {
            Self::Away(last) => last,
            _ => None,
        }
    }
}
