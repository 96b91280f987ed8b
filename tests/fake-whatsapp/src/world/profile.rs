//! What others see of an account: its picture and the text about it.

use serde::{Deserialize, Serialize};
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node};

use super::World;
use super::privacy::{PROFILE, STATUS};
use crate::addr::Addr;
use crate::error::Error;
use crate::media::kind::Kind;
use crate::media::{Stored, name_of};
use crate::nodes::server_id;
use crate::store::Bucket;
use crate::time::now_secs;

/// Where a row about an account's text is kept.
const ABOUT: &str = "about";

/// A picture of an account or a group.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Picture {
    /// Changes with every picture.
    pub(crate) id: String,
    /// Name of the file on the media host.
    pub(crate) name: String,
}

/// The text about an account.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) text: String,
    /// Seconds since 1970.
    pub(crate) at: u64,
}

impl World {
    /// Where a picture can be downloaded.
    pub(crate) fn picture_file(&self, picture: &Picture) -> Stored {
        self.media.stored(Kind::Picture, &picture.name)
    }

    /// Sets or removes a picture of an account or a group, whose JID is the key. Returns the
    /// new picture's id.
    pub(crate) fn set_picture(
        &mut self,
        subject: &Jid,
        image: Option<&[u8]>,
    ) -> Result<Option<String>, Error> {
        let key = subject.to_string();
        let Some(image) = image else {
            self.pictures.remove(&key);
            self.store.delete(Bucket::Picture, key);
            return Ok(None);
        };
        if !is_image(image) {
            return Err(Error::BadRequest("neither a JPEG nor a PNG".to_owned()));
        }
        self.media.store(Kind::Picture, image)?;
        // WhatsApp's ids are numbers that grow.
        let before = self.pictures.get(&key).and_then(|p| p.id.parse().ok());
        let id = now_secs().max(before.unwrap_or(0u64) + 1).to_string();
        let picture = Picture {
            id: id.clone(),
            name: name_of(image),
        };
        self.store.put(Bucket::Picture, key.clone(), &picture);
        self.pictures.insert(key, picture);
        Ok(Some(id))
    }

    /// A device of an account sets or removes the account's picture. Everybody who knows the
    /// account is told (`whatsapp-rust/src/handlers/notification/profile.rs`).
    pub(crate) fn change_own_picture(
        &mut self,
        by: &Addr,
        image: Option<&[u8]>,
    ) -> Result<Option<String>, Error> {
        let jid = self.account(&by.phone)?.jid(0);
        let id = self.set_picture(&jid, image)?;
        let change = picture_change(&jid, &jid, id.as_deref());
        for receiver in self.acquaintances(by) {
            if self.may_see(&by.phone, &receiver.phone, PROFILE, false) {
                self.notify(&receiver, "picture", &jid, None, change.clone());
            }
        }
        Ok(id)
    }

    /// A member's device sets or removes the picture of a group. All members are told.
    pub(crate) fn change_group_picture(
        &mut self,
        by: &Addr,
        group: &Jid,
        image: Option<&[u8]>,
    ) -> Result<Option<String>, Error> {
        let id = self.set_picture(group, image)?;
        let author = Jid::pn(by.phone.as_str());
        let change = picture_change(group, &author, id.as_deref());
        let members = self.group(group).map(|group| group.members.keys().cloned());
        let companions: Vec<_> = members
            .into_iter()
            .flatten()
            .filter_map(|phone| self.accounts.get(&phone))
            .flat_map(|account| account.addrs())
            .filter(|addr| addr.device != 0 && addr != by)
            .collect();
        for companion in companions {
            self.notify(&companion, "picture", group, None, change.clone());
        }
        Ok(id)
    }

    /// A device of an account sets the text about it.
    pub(crate) fn set_about(&mut self, by: &Addr, text: &str) -> Result<(), Error> {
        let account = self.account_mut(&by.phone)?;
        let about = About {
            text: text.to_owned(),
            at: now_secs(),
        };
        account.about = Some(about.clone());
        let (jid, name) = (account.jid(0), account.row.name.clone());
        let key = format!("{}/{ABOUT}", by.phone);
        self.store.put(Bucket::About, key, &about);
        let change = NodeBuilder::new("set").bytes(text.as_bytes()).build();
        for receiver in self.acquaintances(by) {
            if self.may_see(&by.phone, &receiver.phone, STATUS, false) {
                self.notify(&receiver, "status", &jid, Some(&name), change.clone());
            }
        }
        Ok(())
    }

    /// Companions that are told about changes of an account: its own, but for the one that
    /// makes them, and those of its correspondents.
    pub(crate) fn acquaintances(&self, by: &Addr) -> Vec<Addr> {
        let Ok(account) = self.account(&by.phone) else {
            return Vec::new();
        };
        let peers = account
            .peers
            .iter()
            .filter_map(|peer| self.accounts.get(peer))
            .flat_map(|peer| peer.addrs());
        account
            .addrs()
            .into_iter()
            .chain(peers)
            .filter(|addr| addr.device != 0 && addr != by)
            .collect()
    }

    /// Queues a notification with one child.
    pub(crate) fn notify(
        &mut self,
        to: &Addr,
        kind: &str,
        from: &Jid,
        name: Option<&str>,
        content: Node,
    ) {
        let id = server_id();
        let mut node = NodeBuilder::new("notification")
            .attr("from", from)
            .attr("type", kind)
            .attr("id", id.as_str())
            .attr("t", now_secs().to_string());
        if let Some(name) = name {
            node = node.attr("notify", name);
        }
        let node = node.children([content]).build();
        self.deliver_to(to, "notification", &id, from, &node);
    }
}

/// `<set>` or `<delete>` of a notification about a picture.
pub(crate) fn picture_change(subject: &Jid, author: &Jid, id: Option<&str>) -> Node {
    let change = match id {
        Some(id) => NodeBuilder::new("set").attr("id", id),
        None => NodeBuilder::new("delete"),
    };
    change.attr("jid", subject).attr("author", author).build()
}

fn is_image(bytes: &[u8]) -> bool {
    const JPEG: &[u8] = &[0xff, 0xd8, 0xff];
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
    bytes.starts_with(JPEG) || bytes.starts_with(PNG)
}
