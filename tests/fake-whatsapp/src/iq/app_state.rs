//! App state on the wire: patches and snapshots by collection.
//!
//! Shapes: `wacore-appstate/src/patch_decode.rs` and
//! `whatsapp-rust/src/client/app_state.rs`.

use buffa::Message as _;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node, NodeRef};
use waproto::whatsapp::SyncdPatch;

use crate::addr::Addr;
use crate::app_state::AppState;
use crate::app_state::keys::SyncKeys;
use crate::error::Error;
use crate::iq::Answer;
use crate::nodes::{attr, server_id};
use crate::store::Bucket;
use crate::time::now_secs;
use crate::world::World;

/// A client without state gets a snapshot when there are more patches than this.
const SNAPSHOT_AFTER: u64 = 5;
/// Patches in one answer.
const PAGE: usize = 20;

/// What a client asks about one collection.
struct Asked<'a> {
    name: String,
    /// The newest version that the client has.
    version: u64,
    wants_snapshot: bool,
    patch: Option<&'a [u8]>,
}

impl World {
    pub(crate) fn iq_app_state(&mut self, addr: &Addr, node: &NodeRef<'_>) -> Answer {
        let Some(sync) = node.get_optional_child("sync") else {
            return Answer::Error(400, "bad-request");
        };
        let mut replies = Vec::new();
        for collection in sync.get_children_by_tag("collection") {
            let version = attr(collection, "version").and_then(|v| v.parse().ok());
            let asked = Asked {
                name: attr(collection, "name").unwrap_or_default(),
                version: version.unwrap_or(0),
                wants_snapshot: attr(collection, "return_snapshot").as_deref() == Some("true"),
                patch: collection
                    .get_optional_child("patch")
                    .and_then(NodeRef::content_bytes),
            };
            replies.push(self.sync_collection(addr, &asked));
        }
        Answer::one(NodeBuilder::new("sync").children(replies).build())
    }

    fn sync_collection(&mut self, addr: &Addr, asked: &Asked<'_>) -> Node {
        let name = &asked.name;
        if !AppState::exists(name) {
            return refusal(name, 404, "item-not-found", []);
        }
        let current = self.app_state_version(&addr.phone, name);
        if asked.version > current {
            let detail = format!("{addr} has {name} {}, newest is {current}", asked.version);
            self.break_rule("app-state-from-the-future", detail);
            return refusal(name, 400, "bad-request", []);
        }
        let Some(patch) = asked.patch else {
            return self.newer(addr, asked);
        };
        if asked.version != current {
            let patches = self.page(&addr.phone, name, asked.version);
            let more = asked.version + patches.len() as u64 != current;
            let mut refusal = refusal(name, 409, "conflict", [patches_node(patches)]);
            if more {
                refusal.attrs.insert("has_more_patches", "true");
            }
            return refusal;
        }
        let added = SyncdPatch::decode_from_slice(patch)
            .map_err(Error::proto)
            .and_then(|patch| self.add_patch(&addr.phone, name, patch));
        match added {
            Ok(version) => {
                self.announce_patch(addr, name, version);
                NodeBuilder::new("collection")
                    .attr("name", name.as_str())
                    .attr("version", version.to_string())
                    .build()
            }
            Err(error) => {
                let detail = format!("{addr}, {name} after {current}: {error}");
                self.break_rule("app-state-patch", detail);
                refusal(name, 400, "bad-request", [])
            }
        }
    }

    /// What a client does not have yet: patches, or a snapshot and the patches after it.
    fn newer(&mut self, addr: &Addr, asked: &Asked<'_>) -> Node {
        let (phone, name) = (addr.phone.as_str(), asked.name.as_str());
        let current = self.app_state_version(phone, name);
        let mut from = asked.version;
        let mut content = Vec::new();
        if asked.wants_snapshot && from == 0 && current > SNAPSHOT_AFTER {
            match self.app_state_snapshot(phone, name) {
                Ok(snapshot) => {
                    from = snapshot.version;
                    let reference = NodeBuilder::new("snapshot").bytes(snapshot.reference);
                    content.push(reference.build());
                }
                Err(error) => tracing::error!(%error, name, "no snapshot"),
            }
        }
        let patches = self.page(phone, name, from);
        let last = from + patches.len() as u64;
        content.push(patches_node(patches));
        let mut reply = NodeBuilder::new("collection")
            .attr("name", name)
            .attr("version", last.to_string());
        if last != current {
            reply = reply.attr("has_more_patches", "true");
        }
        reply.children(content).build()
    }

    fn page(&self, phone: &str, name: &str, version: u64) -> Vec<Vec<u8>> {
        self.accounts
            .get(phone)
            .and_then(|account| account.app_state.get(name))
            .map(|collection| collection.after(version, PAGE).to_vec())
            .unwrap_or_default()
    }

    fn app_state_version(&self, phone: &str, name: &str) -> u64 {
        self.accounts
            .get(phone)
            .and_then(|account| account.app_state.get(name))
            .map_or(0, |collection| collection.version())
    }

    /// Checks a patch and adds it to a collection. Returns its version.
    pub(crate) fn add_patch(
        &mut self,
        phone: &str,
        name: &str,
        patch: SyncdPatch,
    ) -> Result<u64, Error> {
        let account = self.account_mut(phone)?;
        let keys = SyncKeys::of(&account.row);
        let added = account.app_state.entry(name).add(name, patch, &keys)?;
        let key = format!("{phone}/{name}/{:010}", added.version);
        self.store.put_bytes(Bucket::Patch, key, &added.bytes);
        self.app_state_set(phone, &added.values);
        Ok(added.version)
    }

    /// Tells the other companions that there is a new patch
    /// (`whatsapp-rust/src/handlers/notification`).
    pub(crate) fn announce_patch(&mut self, from: &Addr, name: &str, version: u64) {
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

fn patches_node(patches: Vec<Vec<u8>>) -> Node {
    let patches = patches
        .into_iter()
        .map(|patch| NodeBuilder::new("patch").bytes(patch).build());
    NodeBuilder::new("patches").children(patches).build()
}

fn refusal(name: &str, code: u16, text: &str, more: impl IntoIterator<Item = Node>) -> Node {
    let error = NodeBuilder::new("error")
        .attr("code", code.to_string())
        .attr("text", text)
        .build();
    NodeBuilder::new("collection")
        .attr("name", name)
        .attr("type", "error")
        .children(std::iter::once(error).chain(more))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app_state::change::Change;
    use crate::store::Store;
    use crate::world::load::load;

    const ANA: &str = "5511000000001";
    const NAME: &str = "regular_low";

    fn world() -> World {
        let (mut world, _) = load(Store::open(None).expect("store")).expect("world");
        world.ensure_account(ANA, "Ana").expect("account");
        world
    }

    fn pin(chat: u32) -> Change {
        let chat = (5_511_000_000_000 + u64::from(chat)).to_string();
        Change::Pin { chat, on: true }
    }

    /// A patch as a companion would write it now.
    fn patch(world: &World) -> SyncdPatch {
        let account = world.account(ANA).expect("Ana");
        let plan = pin(900).plan();
        let collection = account.app_state.get(NAME).expect("collection");
        collection.patch(NAME, &[plan.mutation], &SyncKeys::of(&account.row))
    }

    fn ask(world: &mut World, version: u64, patch: Option<&[u8]>) -> Node {
        let asked = Asked {
            name: NAME.to_owned(),
            version,
            wants_snapshot: version == 0,
            patch,
        };
        world.sync_collection(&Addr::new(ANA, 1), &asked)
    }

    fn text(node: &Node, name: &str) -> String {
        attr(&node.as_node_ref(), name).unwrap_or_default()
    }

    fn count(node: &Node) -> usize {
        let patches = node.get_optional_child("patches");
        patches.and_then(Node::children).map_or(0, <[Node]>::len)
    }

    #[test]
    fn a_patch_on_an_old_base_is_answered_with_the_newer_ones() {
        let mut world = world();
        for n in 0..30 {
            world.phone_changes(ANA, &pin(n)).expect("change");
        }
        let late = patch(&world).encode_to_vec();
        world.phone_changes(ANA, &pin(30)).expect("change");
        let answer = ask(&mut world, 30, Some(&late));
        assert_eq!(
            (text(&answer, "type").as_str(), count(&answer)),
            ("error", 1)
        );
        assert_eq!(text(&answer, "has_more_patches"), "");
        let error = answer.get_optional_child("error").expect("error");
        assert_eq!(text(error, "code"), "409");
        let answer = ask(&mut world, 3, Some(&late));
        assert_eq!(count(&answer), PAGE);
        assert_eq!(text(&answer, "has_more_patches"), "true");
        assert!(world.seen.violations.is_empty());
    }

    #[test]
    fn a_client_without_state_gets_a_snapshot_and_what_came_after_it() {
        let mut world = world();
        for n in 0..=SNAPSHOT_AFTER {
            let answer = ask(&mut world, 0, None);
            assert!(answer.get_optional_child("snapshot").is_none());
            world.phone_changes(ANA, &pin(n as u32)).expect("change");
        }
        let answer = ask(&mut world, 0, None);
        assert!(answer.get_optional_child("snapshot").is_some());
        assert_eq!(count(&answer), 0);
        world.phone_changes(ANA, &pin(70)).expect("change");
        let answer = ask(&mut world, 0, None);
        assert!(answer.get_optional_child("snapshot").is_some());
        assert_eq!(
            (count(&answer), text(&answer, "version")),
            (1, "7".to_owned())
        );
    }

    #[test]
    fn a_wrong_patch_is_refused_and_noticed() {
        let mut world = world();
        world.phone_changes(ANA, &pin(1)).expect("change");
        let mut wrong = patch(&world);
        wrong.snapshot_mac = Some(vec![1; 32]);
        let answer = ask(&mut world, 1, Some(&wrong.encode_to_vec()));
        let error = answer.get_optional_child("error").expect("error");
        assert_eq!(text(error, "code"), "400");
        assert_eq!(world.seen.violations.len(), 1);
        let good = patch(&world).encode_to_vec();
        let answer = ask(&mut world, 1, Some(&good));
        assert_eq!(text(&answer, "version"), "2");
        ask(&mut world, 9, None);
        assert_eq!(world.seen.violations.len(), 2);
    }
}
