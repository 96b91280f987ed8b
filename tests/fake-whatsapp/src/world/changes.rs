//! What people learn about an account's profile: its name, its about text, its business.
//!
//! Shapes: `whatsapp-rust/src/handlers/notification/profile.rs` and
//! `wacore/src/stanza/business.rs`.

use std::collections::BTreeSet;

use buffa::Message as _;
use serde_json::json;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node};
use waproto::whatsapp as wa;

use crate::addr::Addr;
use crate::error::Error;
use crate::nodes::{notification, server_id, server_jid, server_notification};
use crate::time::now_secs;
use crate::world::World;
use crate::world::social::{Business, Disappearing};

/// Who signs the names of businesses.
const ISSUER: &str = "smb:wa";

/// Who is told of a change.
#[derive(Clone, Copy)]
pub(crate) enum Audience {
    /// Encryption depends on it: members of shared groups too.
    Everybody,
    /// Everybody but the blocked.
    NotBlocked,
}

impl World {
    /// A companion gave the account a name. Others see it beside the next message.
    pub(crate) fn push_name_from(&mut self, by: &Addr, name: &str) -> Result<(), Error> {
        if name.is_empty() || self.account(&by.phone)?.row.name == name {
            return Ok(());
        }
        self.account_mut(&by.phone)?.row.name = name.to_owned();
        self.save_account(&by.phone);
        self.seen.add("push-name", Some(by), json!({"name": name}));
        self.tell_own_name(by, name);
        Ok(())
    }

    /// The account becomes a business, or stops being one.
    pub(crate) fn set_business(
        &mut self,
        phone: &str,
        business: Option<Business>,
    ) -> Result<(), Error> {
        self.change_social(phone, |social| social.business.clone_from(&business))?;
        let jid = self.account(phone)?.jid(0);
        let change = match &business {
            Some(business) => verified_name(business)
                .attr("jid", &jid)
                .attr("verified_level", "unknown")
                .build(),
            None => NodeBuilder::new("remove").attr("jid", &jid).build(),
        };
        self.tell_peers(phone, Audience::NotBlocked, |from, id| {
            notification(from, "business", id)
                .children([change.clone()])
                .build()
        });
        Ok(())
    }

    /// New chats of the account lose their messages after `seconds`.
    pub(crate) fn set_disappearing(&mut self, by: &Addr, seconds: u32) -> Result<(), Error> {
        let mode = Disappearing {
            seconds,
            at: now_secs(),
        };
        self.change_social(&by.phone, |social| social.disappearing = mode)?;
        let node = NodeBuilder::new("disappearing_mode")
            .attr("duration", seconds.to_string())
            .attr("t", mode.at.to_string())
            .build();
        self.tell_own_devices(by, &node);
        self.tell_peers(&by.phone, Audience::NotBlocked, |from, id| {
            notification(from, "disappearing_mode", id)
                .children([node.clone()])
                .build()
        });
        Ok(())
    }

    /// Something about a contact changed: peers fetch it anew.
    pub(crate) fn announce_contact_update(&mut self, phone: &str) -> Result<(), Error> {
        let update = NodeBuilder::new("update")
            .attr("jid", self.account(phone)?.jid(0))
            .build();
        self.tell_peers(phone, Audience::NotBlocked, |from, id| {
            notification(from, "contacts", id)
                .children([update.clone()])
                .build()
        });
        Ok(())
    }

    /// The server wants a companion to fetch its contacts anew.
    pub(crate) fn ask_contact_sync(&mut self, phone: &str) -> Result<(), Error> {
        self.account(phone)?;
        let from = server_jid();
        let sync = NodeBuilder::new("sync")
            .attr("after", now_secs().to_string())
            .build();
        for companion in self.companions(phone) {
            let id = server_id();
            let node = server_notification("contacts", &id)
                .children([sync.clone()])
                .build();
            self.deliver_to(&companion, "notification", &id, &from, &node);
        }
        Ok(())
    }

    /// Tells the companions of those who have a chat with `phone`.
    pub(crate) fn tell_peers(
        &mut self,
        phone: &str,
        audience: Audience,
        build: impl Fn(&Jid, &str) -> Node,
    ) {
        let Ok(account) = self.account(phone) else {
            return;
        };
        let from = account.jid(0);
        let mut peers: BTreeSet<String> = account.peers.iter().cloned().collect();
        if matches!(audience, Audience::Everybody) {
            for group in self.groups_of(phone) {
                peers.extend(group.members.keys().cloned());
            }
        }
        peers.remove(phone);
        for peer in peers {
            let may_know = match audience {
                Audience::Everybody => true,
                Audience::NotBlocked => !self.blocked_between(phone, &peer),
            };
            if !may_know {
                continue;
            }
            for companion in self.companions(&peer) {
                let id = server_id();
                let node = build(&from, &id);
                self.deliver_to(&companion, "notification", &id, &from, &node);
            }
        }
    }
}

/// `<verified_name>` with its certificate.
pub(crate) fn verified_name(business: &Business) -> NodeBuilder {
    let details = wa::verified_name_certificate::Details {
        serial: Some(serial(&business.name)),
        issuer: Some(ISSUER.to_owned()),
        verified_name: Some(business.name.clone()),
        ..Default::default()
    };
    let certificate = wa::VerifiedNameCertificate {
        details: Some(details.encode_to_vec()),
        ..Default::default()
    };
    NodeBuilder::new("verified_name")
        .attr("v", "1")
        .bytes(certificate.encode_to_vec())
}

/// A number that is the same for the same name.
fn serial(name: &str) -> u64 {
    name.bytes()
        .fold(7, |sum: u64, byte| sum.wrapping_mul(31) + u64::from(byte))
        & u64::from(u32::MAX)
}
