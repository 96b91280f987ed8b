//! A companion could not read a message: the simulated phone sends it again.
//!
//! Shapes: `whatsapp-rust/src/retry.rs` and `wacore/src/protocol/retry.rs`.

use wacore::iq::prekeys::SignedPreKeyNode;
use wacore::protocol::ProtocolNode as _;
use wacore_binary::NodeRef;

use crate::addr::Addr;
use crate::keys::{SignedPreKey, djb};
use crate::nodes::{attr, child_bytes};
use crate::phone::cipher::CompanionBundle;
use crate::world::World;

impl World {
    /// A companion could not read what a simulated phone sent.
    pub(super) fn phone_resends(&mut self, to: &Addr, phone: &Addr, id: &str, node: &NodeRef<'_>) {
        let Ok(account) = self.account(&phone.phone) else {
            return;
        };
        let Some(sent) = account.outbox.get(id).cloned() else {
            return;
        };
        let count = node
            .get_optional_child("retry")
            .and_then(|retry| attr(retry, "count"))
            .unwrap_or_else(|| "1".to_owned());
        let Some(device) = self.device(to) else {
            return;
        };
        let offered = node
            .get_optional_child("keys")
            .and_then(|keys| offered_bundle(device.row.registration_id, keys));
        let bundle = match offered {
            Some(bundle) => Some(bundle),
            None => self.take_companion_bundle(to),
        };
        let (Some(bundle), Some(account)) = (bundle, self.accounts.get_mut(&phone.phone)) else {
            return;
        };
        if let Err(error) = account.phone.start_session(to, &bundle) {
            return tracing::warn!(%error, %to, id, "retry with an unusable bundle");
        }
        self.phone_sends_to(to, phone, id, &sent, Some(&count));
    }
}

fn offered_bundle(registration_id: u32, keys: &NodeRef<'_>) -> Option<CompanionBundle> {
    let signed = SignedPreKeyNode::try_from_node_ref(keys.get_optional_child("skey")?).ok()?;
    let key = keys.get_optional_child("key");
    let one_time = key.and_then(|key| {
        let id = child_bytes(key, "id").filter(|id| id.len() == 3)?;
        let id = id.iter().fold(0, |sum, byte| (sum << 8) | u32::from(*byte));
        Some((id, djb(child_bytes(key, "value")?).ok()?))
    });
    Some(CompanionBundle {
        registration_id,
        identity: djb(child_bytes(keys, "identity")?).ok()?,
        signed_prekey: SignedPreKey {
            id: signed.id,
            public: djb(&signed.public_bytes).ok()?,
            signature: signed.signature,
        },
        one_time,
    })
}
