//! Prekeys: upload, count, digest, rotation, and bundles of other devices.
//!
//! Shapes: `wacore/src/iq/prekeys.rs`.

use serde_json::json;
use wacore::iq::prekeys::{OneTimePreKeyNode, PreKeyBundleUserNode, SignedPreKeyNode};
use wacore::prekeys::compute_key_bundle_digest;
use wacore::protocol::ProtocolNode as _;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node, NodeRef};

use crate::addr::Addr;
use crate::iq::Answer;
use crate::keys::{Key32, SignedPreKey, djb};
use crate::nodes::{child_bytes, children, jid_attr, server_id, server_jid, server_notification};
use crate::store::Bucket;
use crate::world::World;
use crate::world::device::UploadedKey;

/// What the server says to an upload that would give two keys one id.
const PREKEY_REUSED: u16 = 406;
/// The server asks for more prekeys when so few are left. Clients ask themselves, at login,
/// below five (`whatsapp-rust/src/prekeys.rs`), so the server asks earlier.
const LOW_POOL: usize = 10;
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
        if let Err(refused) = self.check_identity(addr, node) {
            return refused;
        }
        if let Err(refused) = self.check_signed_prekey(addr, &signed) {
            return refused;
        }
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

    /// An upload comes from the identity that was linked.
    fn check_identity(&mut self, addr: &Addr, node: &NodeRef<'_>) -> Result<(), Answer> {
        let Some(device) = self.device(addr) else {
            return Err(Answer::Error(401, "not-authorized"));
        };
        let identity = child_bytes(node, "identity").and_then(|bytes| djb(bytes).ok());
        let registration = device.row.registration_id.to_be_bytes();
        let same = identity == Some(device.row.identity)
            && child_bytes(node, "registration") == Some(registration.as_slice());
        if same {
            return Ok(());
        }
        self.break_rule(
            "prekeys-of-another-identity",
            format!("{addr} uploaded prekeys with an identity or a registration id not its own"),
        );
        Err(Answer::Error(406, "not-acceptable"))
    }

    /// A signed prekey is signed by the device's identity.
    fn check_signed_prekey(&mut self, addr: &Addr, signed: &SignedPreKey) -> Result<(), Answer> {
        let valid = self
            .device(addr)
            .is_some_and(|device| signed.is_signed_by(&device.row.identity));
        if valid {
            return Ok(());
        }
        self.break_rule(
            "signed-prekey-forged",
            format!(
                "{addr} sent the signed prekey {} with a signature that is not its own",
                signed.id
            ),
        );
        Err(Answer::Error(406, "not-acceptable"))
    }

    fn rotate_signed_prekey(&mut self, addr: &Addr, rotate: &NodeRef<'_>) -> Answer {
        let Some(signed) = rotate.get_optional_child("skey").and_then(signed_prekey) else {
            return Answer::Error(400, "bad-request");
        };
        if let Err(refused) = self.check_signed_prekey(addr, &signed) {
            return refused;
        }
        let Some(device) = self.device_mut(addr) else {
            return Answer::Error(401, "not-authorized");
        };
        let known = &device.row.signed_prekey;
        if known.id == signed.id && known.public != signed.public {
            // One id names one key; the client takes the next (`features/rotate_key.rs`).
            return Answer::Error(409, "conflict");
        }
        let id = signed.id;
        device.row.signed_prekey = signed;
        self.save_device(addr);
        self.seen
            .add("signed-prekey-rotated", Some(addr), json!({"id": id}));
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
            if left == LOW_POOL {
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
        let node = server_notification("encrypt", &id)
            .children([count])
            .build();
        self.deliver_to(addr, "notification", &id, &server_jid(), &node);
    }

    /// Asks a companion to compare its keys with the server's
    /// (`whatsapp-rust/src/handlers/notification/device.rs`, `handle_digest_key`).
    pub(crate) fn ask_for_digest(&mut self, addr: &Addr) {
        let id = server_id();
        let node = server_notification("encrypt", &id)
            .children([NodeBuilder::new("digest").build()])
            .build();
        self.deliver_to(addr, "notification", &id, &server_jid(), &node);
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
