//! The parts of an answer about one account that need more than its row.
//!
//! Shapes: `wacore/src/iq/usync/query.rs`.

use wacore::messages::MessageUtils;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node, NodeRef};

use crate::addr::Addr;
use crate::nodes::{attr, child_bytes};
use crate::world::World;
use crate::world::account::Account;
use crate::world::changes::verified_name;
use crate::world::privacy::{PROFILE, STATUS};

impl World {
    /// The devices of an account. A client that knows the list already, by its hash, gets the
    /// signed key list alone.
    pub(super) fn usync_devices(&self, phone: &str, user: &NodeRef<'_>) -> Option<Node> {
        let key_index = self.key_index_node(phone, true).ok()?;
        let known = user
            .get_optional_child("devices")
            .and_then(|hint| attr(hint, "device_hash"));
        let hash = self.device_hash(phone)?;
        if known.as_ref() == Some(&hash) {
            return Some(NodeBuilder::new("devices").children([key_index]).build());
        }
        let account = self.accounts.get(phone)?;
        let mut devices = vec![NodeBuilder::new("device").attr("id", "0").build()];
        for (id, device) in &account.devices {
            devices.push(
                NodeBuilder::new("device")
                    .attr("id", id.to_string())
                    .attr("key-index", device.row.key_index.to_string())
                    .build(),
            );
        }
        let list = NodeBuilder::new("device-list")
            .attr("hash", hash)
            .children(devices)
            .build();
        Some(
            NodeBuilder::new("devices")
                .children([list, key_index])
                .build(),
        )
    }

    /// Hash of an account's device list, as clients compute it too.
    pub(crate) fn device_hash(&self, phone: &str) -> Option<String> {
        let account = self.accounts.get(phone)?;
        let jids: Vec<Jid> = account.addrs().iter().map(Addr::jid).collect();
        MessageUtils::participant_list_hash(&jids).ok()
    }

    /// The about text; without it when the other side hides it.
    pub(super) fn usync_status(&self, by: &Addr, account: &Account, user: &NodeRef<'_>) -> Node {
        let owner = &account.row.phone;
        let has_token = child_bytes(user, "tctoken")
            .is_some_and(|token| self.token_is_valid(owner, &by.phone, token));
        let node = NodeBuilder::new("status");
        if !self.may_see(owner, &by.phone, STATUS, has_token) {
            return node.attr("code", "401").build();
        }
        match &account.about {
            Some(about) => node
                .attr("t", about.at.to_string())
                .bytes(about.text.as_bytes().to_vec())
                .build(),
            None => node.build(),
        }
    }

    /// The number of the account's picture. Accounts without one, and those that hide it, look
    /// the same.
    pub(super) fn usync_picture(&self, by: &Addr, account: &Account) -> Node {
        let shown = self.may_see(&account.row.phone, &by.phone, PROFILE, false);
        let picture = self.pictures.get(&account.jid(0).to_string());
        let node = NodeBuilder::new("picture");
        match picture.filter(|_| shown) {
            Some(picture) => node.attr("id", picture.id.as_str()).build(),
            None => {
                let error = NodeBuilder::new("error")
                    .attr("code", "404")
                    .attr("text", "item-not-found");
                node.children([error.build()]).build()
            }
        }
    }

    /// The verified name of a business.
    pub(super) fn usync_business(&self, account: &Account) -> Option<Node> {
        let business = account.social.business.as_ref()?;
        Some(
            NodeBuilder::new("business")
                .children([verified_name(business).build()])
                .build(),
        )
    }
}
