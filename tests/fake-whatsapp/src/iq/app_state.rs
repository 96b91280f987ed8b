//! App state: settings that all devices of an account share, as encrypted patches.
//!
//! Shapes: `wacore-appstate/src/patch_decode.rs` and
//! `whatsapp-rust/src/client/app_state.rs`. Collections are sent as patches from version 1,
//! never as a snapshot: a snapshot would need the media servers.

use buffa::{Message as _, MessageField};
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node, NodeRef};
use waproto::whatsapp::{SyncdPatch, SyncdVersion};

use crate::addr::Addr;
use crate::error::Error;
use crate::iq::Answer;
use crate::nodes::{attr, server_id};
use crate::store::Bucket;
use crate::time::now_secs;
use crate::world::World;

impl World {
    pub(crate) fn iq_app_state(&mut self, addr: &Addr, node: &NodeRef<'_>) -> Answer {
        let Some(sync) = node.get_optional_child("sync") else {
            return Answer::Error(400, "bad-request");
        };
        let mut replies = Vec::new();
        for collection in sync.get_children_by_tag("collection") {
            let name = attr(collection, "name").unwrap_or_default();
            let version: usize = attr(collection, "version")
                .and_then(|v| v.parse().ok())
                .unwrap_or(0);
            let patch = collection
                .get_optional_child("patch")
                .and_then(NodeRef::content_bytes);
            replies.push(self.sync_collection(addr, &name, version, patch));
        }
        Answer::one(NodeBuilder::new("sync").children(replies).build())
    }

    fn sync_collection(
        &mut self,
        addr: &Addr,
        name: &str,
        version: usize,
        patch: Option<&[u8]>,
    ) -> Node {
        let reply = NodeBuilder::new("collection").attr("name", name);
        let current = self
            .accounts
            .get(&addr.phone)
            .and_then(|account| account.patches.get(name))
            .map_or(0, Vec::len);
        if let Some(patch) = patch {
            if version != current {
                let error = NodeBuilder::new("error")
                    .attr("code", "409")
                    .attr("text", "conflict")
                    .build();
                return reply.attr("type", "error").children([error]).build();
            }
            let added = SyncdPatch::decode_from_slice(patch)
                .map_err(Error::proto)
                .and_then(|patch| self.add_patch(&addr.phone, name, patch));
            if added.is_err() {
                let error = NodeBuilder::new("error")
                    .attr("code", "400")
                    .attr("text", "bad-request")
                    .build();
                return reply.attr("type", "error").children([error]).build();
            }
            self.announce_patch(addr, name, current + 1);
            return reply.attr("version", (current + 1).to_string()).build();
        }
        let patches: Vec<_> = self
            .accounts
            .get(&addr.phone)
            .and_then(|account| account.patches.get(name))
            .map(|patches| patches.iter().skip(version).cloned().collect())
            .unwrap_or_default();
        let patches = patches
            .into_iter()
            .map(|patch: Vec<u8>| NodeBuilder::new("patch").bytes(patch).build());
        let patches = NodeBuilder::new("patches").children(patches).build();
        reply
            .attr("version", current.to_string())
            .children([patches])
            .build()
    }

    /// Adds a patch to a collection, and gives it its version.
    pub(crate) fn add_patch(
        &mut self,
        phone: &str,
        name: &str,
        mut patch: SyncdPatch,
    ) -> Result<(), Error> {
        let patches = self
            .account_mut(phone)?
            .patches
            .entry(name.to_owned())
            .or_default();
        let version = patches.len() as u64 + 1;
        patch.version = MessageField::some(SyncdVersion {
            version: Some(version),
        });
        let bytes = patch.encode_to_vec();
        patches.push(bytes.clone());
        self.store.put_bytes(
            Bucket::Patch,
            format!("{phone}/{name}/{version:010}"),
            &bytes,
        );
        Ok(())
    }

    fn announce_patch(&mut self, from: &Addr, name: &str, version: usize) {
        let Ok(account) = self.account(&from.phone) else {
            return;
        };
        let others: Vec<_> = account
            .addrs()
            .into_iter()
            .filter(|other| other.device != 0 && other.device != from.device)
            .collect();
        let sender = Jid::pn(from.phone.as_str());
        for other in others {
            let id = server_id();
            let collection = NodeBuilder::new("collection")
                .attr("name", name)
                .attr("version", version.to_string())
                .build();
            let node = NodeBuilder::new("notification")
                .attr("from", &sender)
                .attr("type", "server_sync")
                .attr("id", id.as_str())
                .attr("t", now_secs().to_string())
                .children([collection])
                .build();
            self.deliver_to(&other, "notification", &id, &sender, &node);
        }
    }
}
