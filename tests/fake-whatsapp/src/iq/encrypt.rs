//! Prekeys: upload, count, digest, rotation, and bundles of other devices.
//!
//! Shapes: `wacore/src/iq/prekeys.rs`.

use serde_json::json;
use wacore::iq::prekeys::{OneTimePreKeyNode, PreKeyBundleUserNode, SignedPreKeyNode};
use wacore::prekeys::compute_key_bundle_digest;
use wacore::protocol::ProtocolNode as _;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node, NodeRef, SERVER_JID};

use crate::addr::Addr;
use crate::iq::Answer;
use crate::keys::{Key32, SignedPreKey, djb};
use crate::nodes::{child_bytes, children, jid_attr, server_id};
use crate::store::Bucket;
use crate::time::now_secs;
use crate::world::World;
use crate::world::device::UploadedKey;

/// The server asks for more prekeys when fewer are left.
const LOW_POOL: usize = 5;
/// What the server says to an upload that would give two keys one id.
const PREKEY_REUSED: u16 = 406;
/// The device does not exist (`wacore/src/send/encrypt.rs`).
const NOT_REGISTERED: u16 = 406;

impl World {
    pub(crate) fn iq_encrypt(&mut self, addr: &Addr, set: bool, node: &NodeRef<'_>) -> Answer {
        if set {
            if let Some(rotate) = node.get_optional_child("rotate") {
                return self.rotate_signed_prekey(addr, rotate);
            }
            return self.upload_prekeys(addr, node);
        }
        if node.get_optional_child("count").is_some() {
            let left = self
                .device(addr)
                .map_or(0, |device| device.prekeys_left().count());
            return Answer::one(
                NodeBuilder::new("count")
                    .attr("value", left.to_string())
                    .build(),
            );
        }
        if node.get_optional_child("digest").is_some() {
            return self.digest(addr);
        }
        if let Some(keys) = node.get_optional_child("key") {
            return self.bundles(keys);
        }
        Answer::Unknown
    }

    fn upload_prekeys(&mut self, addr: &Addr, node: &NodeRef<'_>) -> Answer {
        let signed = node.get_optional_child("skey").and_then(signed_prekey);
        let list = node.get_optional_child("list");
        let (Some(signed), Some(list)) = (signed, list) else {
            return Answer::Error(400, "bad-request");
        };
        let keys: Option<Vec<_>> = list
            .get_children_by_tag("key")
            .map(one_time_prekey)
            .collect();
        let Some(keys) = keys else {
            return Answer::Error(400, "bad-request");
        };
        if !self.check_uploaded_prekeys(addr, &keys) {
            return Answer::Error(PREKEY_REUSED, "not-acceptable");
        }
        let Some(device) = self.device_mut(addr) else {
            return Answer::Error(401, "not-authorized");
        };
        device.row.signed_prekey = signed;
        let mut fresh = Vec::new();
        for (id, public) in &keys {
            if !device.prekeys.contains_key(id) {
                let key = UploadedKey::fresh(*public);
                device.prekeys.insert(*id, key.clone());
                fresh.push((*id, key));
            }
        }
        for (id, key) in fresh {
            self.store.put(Bucket::Prekey, format!("{addr}/{id}"), &key);
        }
        self.save_device(addr);
        let ids = keys.iter().map(|(id, _)| *id);
        let range = json!([ids.clone().min(), ids.max()]);
        self.seen.add(
            "prekeys",
            Some(addr),
            json!({"ids": range, "count": keys.len()}),
        );
        Answer::empty()
    }

    fn rotate_signed_prekey(&mut self, addr: &Addr, rotate: &NodeRef<'_>) -> Answer {
        let signed = rotate.get_optional_child("skey").and_then(signed_prekey);
        let (Some(signed), Some(device)) = (signed, self.device_mut(addr)) else {
            return Answer::Error(400, "bad-request");
        };
        device.row.signed_prekey = signed;
        self.save_device(addr);
        Answer::empty()
    }

    fn digest(&self, addr: &Addr) -> Answer {
        let Some(device) = self.device(addr) else {
            return Answer::Error(404, "item-not-found");
        };
        let row = &device.row;
        let publics: Vec<&[u8]> = device
            .prekeys_left()
            .map(|(_, key)| key.public.0.as_slice())
            .collect();
        let hash = compute_key_bundle_digest(
            &row.identity.0,
            &row.signed_prekey.public.0,
            &row.signed_prekey.signature,
            &publics,
        );
        let ids = device.prekeys_left().map(|(id, _)| {
            NodeBuilder::new("id")
                .bytes(id.to_be_bytes()[1..].to_vec())
                .build()
        });
        Answer::one(
            NodeBuilder::new("digest")
                .children([
                    NodeBuilder::new("registration")
                        .bytes(row.registration_id.to_be_bytes().to_vec())
                        .build(),
                    NodeBuilder::new("type").bytes(vec![5]).build(),
                    NodeBuilder::new("identity")
                        .bytes(row.identity.0.to_vec())
                        .build(),
                    skey_node(&row.signed_prekey),
                    NodeBuilder::new("list").children(ids).build(),
                    NodeBuilder::new("hash").bytes(hash).build(),
                ])
                .build(),
        )
    }

    fn bundles(&mut self, request: &NodeRef<'_>) -> Answer {
        let users: Vec<Node> = children(request)
            .iter()
            .filter_map(|user| jid_attr(user, "jid"))
            .map(|jid| self.bundle(jid))
            .collect();
        Answer::one(NodeBuilder::new("list").children(users).build())
    }

    fn bundle(&mut self, jid: Jid) -> Node {
        let Some(addr) = self
            .resolve(&jid)
            .filter(|addr| !self.absent.contains(&addr.phone))
        else {
            return no_bundle(jid);
        };
        if addr.device == 0 {
            self.phone_bundle(jid, &addr)
        } else {
            self.companion_bundle(jid, &addr)
        }
    }

    fn phone_bundle(&mut self, jid: Jid, addr: &Addr) -> Node {
        let Some(account) = self.accounts.get_mut(&addr.phone) else {
            return no_bundle(jid);
        };
        let bundle = account.phone.take_bundle();
        account.phone.save(&addr.phone, &mut self.store);
        PreKeyBundleUserNode {
            jid,
            registration_id: bundle.registration_id,
            identity_key: bundle.identity.0.to_vec(),
            signed_pre_key: signed_node(&bundle.signed_prekey),
            one_time_pre_key: Some(OneTimePreKeyNode::new(
                bundle.one_time.0,
                bundle.one_time.1.0.to_vec(),
            )),
            device_identity: None,
        }
        .into_node()
    }

    fn companion_bundle(&mut self, jid: Jid, addr: &Addr) -> Node {
        let Some(bundle) = self.take_companion_bundle(addr) else {
            return no_bundle(jid);
        };
        let device_identity = self
            .device(addr)
            .map(|device| device.row.adv_identity.clone());
        PreKeyBundleUserNode {
            jid,
            registration_id: bundle.registration_id,
            identity_key: bundle.identity.0.to_vec(),
            signed_pre_key: signed_node(&bundle.signed_prekey),
            one_time_pre_key: bundle
                .one_time
                .map(|(id, key)| OneTimePreKeyNode::new(id, key.0.to_vec())),
            device_identity,
        }
        .into_node()
    }

    /// Takes a bundle out of a companion's pool, and asks for more when few are left.
    pub(crate) fn take_companion_bundle(
        &mut self,
        addr: &Addr,
    ) -> Option<crate::phone::cipher::CompanionBundle> {
        let device = self.device_mut(addr)?;
        let bundle = device.take_bundle();
        let left = device.prekeys_left().count();
        if let Some((id, public)) = bundle.one_time {
            let key = UploadedKey {
                used: true,
                ..UploadedKey::fresh(public)
            };
            self.store.put(Bucket::Prekey, format!("{addr}/{id}"), &key);
            if left + 1 == LOW_POOL {
                self.ask_for_prekeys(addr, left);
            }
        }
        Some(bundle)
    }

    fn ask_for_prekeys(&mut self, addr: &Addr, left: usize) {
        let id = server_id();
        let count = NodeBuilder::new("count")
            .attr("value", left.to_string())
            .build();
        let node = NodeBuilder::new("notification")
            .attr("from", SERVER_JID)
            .attr("type", "encrypt")
            .attr("id", id.as_str())
            .attr("t", now_secs().to_string())
            .children([count])
            .build();
        self.deliver_to(
            addr,
            "notification",
            &id,
            &Jid::new("", wacore_binary::Server::Pn),
            &node,
        );
    }
}

fn signed_prekey(node: &NodeRef<'_>) -> Option<SignedPreKey> {
    let node = SignedPreKeyNode::try_from_node_ref(node).ok()?;
    Some(SignedPreKey {
        id: node.id,
        public: djb(&node.public_bytes).ok()?,
        signature: node.signature,
    })
}

fn one_time_prekey(node: &NodeRef<'_>) -> Option<(u32, Key32)> {
    let id = child_bytes(node, "id").filter(|id| id.len() == 3)?;
    let id = id.iter().fold(0, |sum, byte| (sum << 8) | u32::from(*byte));
    Some((id, djb(child_bytes(node, "value")?).ok()?))
}

fn signed_node(key: &SignedPreKey) -> SignedPreKeyNode {
    SignedPreKeyNode::new(key.id, key.public.0.to_vec(), key.signature.clone())
}

fn skey_node(key: &SignedPreKey) -> Node {
    signed_node(key).into_node()
}

fn no_bundle(jid: Jid) -> Node {
    let error = NodeBuilder::new("error")
        .attr("code", NOT_REGISTERED.to_string())
        .attr("text", "not-acceptable")
        .build();
    NodeBuilder::new("user")
        .attr("jid", jid)
        .children([error])
        .build()
}
