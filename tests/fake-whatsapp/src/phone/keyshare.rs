//! The keys of app state on their way to companions.

use buffa::MessageField;
use waproto::whatsapp as wa;
use waproto::whatsapp::message::protocol_message::Type as ProtocolType;
use waproto::whatsapp::message::{
    AppStateSyncKey, AppStateSyncKeyData, AppStateSyncKeyFingerprint, AppStateSyncKeyId,
    AppStateSyncKeyShare, ProtocolMessage,
};

use crate::addr::Addr;
use crate::app_state::keys::{SyncKey, SyncKeys};
use crate::nodes::message_id;
use crate::world::World;
use crate::world::account::{Account, AccountRow, PhoneContent, PhoneSent};

impl World {
    /// The phone tells a companion the app state keys. Without them the first sync waits for
    /// ten seconds (`whatsapp-rust/src/client/node_io.rs`).
    pub(crate) fn share_sync_key(&mut self, companion: &Addr) {
        let sent = PhoneSent {
            to: companion.phone.clone(),
            content: PhoneContent::SyncKey,
        };
        let id = message_id();
        self.phone_sends_to(companion, &Addr::phone(&companion.phone), &id, &sent, None);
        self.remember_outgoing(&companion.phone, &id, sent);
    }
}

/// The message that carries all keys. The current one is the last: clients write their patches
/// with the key that they learnt last (`wacore/src/store/traits.rs`, `get_latest_sync_key_id`).
pub(crate) fn sync_key_message(account: &Account) -> wa::Message {
    let keys = SyncKeys::of(&account.row);
    let keys = keys.iter().map(|key| sync_key(&account.row, key)).collect();
    wa::Message {
        protocol_message: MessageField::some(ProtocolMessage {
            r#type: Some(ProtocolType::APP_STATE_SYNC_KEY_SHARE),
            app_state_sync_key_share: MessageField::some(AppStateSyncKeyShare { keys }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn sync_key(row: &AccountRow, key: &SyncKey) -> AppStateSyncKey {
    let fingerprint = AppStateSyncKeyFingerprint {
        raw_id: Some(row.adv_raw_id),
        current_index: Some(0),
        device_indexes: vec![0],
    };
    AppStateSyncKey {
        key_id: MessageField::some(AppStateSyncKeyId {
            key_id: Some(key.id.clone()),
        }),
        key_data: MessageField::some(AppStateSyncKeyData {
            key_data: Some(key.data.0.to_vec()),
            fingerprint: MessageField::some(fingerprint),
            timestamp: i64::try_from(key.created).ok(),
        }),
    }
}

/// Whether a message asks for keys.
pub(crate) fn asks_for_key(message: &wa::Message) -> bool {
    message
        .protocol_message
        .as_option()
        .is_some_and(|protocol| protocol.r#type == Some(ProtocolType::APP_STATE_SYNC_KEY_REQUEST))
}
