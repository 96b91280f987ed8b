//! App state on the phone's side: the key that companions need, and the first patch.

use buffa::MessageField;
use wacore_appstate::encode_record;
use wacore_appstate::expand_app_state_keys;
use wacore_appstate::hash::{HashState, generate_patch_mac};
use waproto::whatsapp as wa;
use waproto::whatsapp::message::protocol_message::Type as ProtocolType;
use waproto::whatsapp::message::{
    AppStateSyncKey, AppStateSyncKeyData, AppStateSyncKeyFingerprint, AppStateSyncKeyId,
    AppStateSyncKeyShare, ProtocolMessage,
};
use waproto::whatsapp::syncd_mutation::SyncdOperation;

use crate::addr::Addr;
use crate::error::Error;
use crate::nodes::message_id;
use crate::time::{now_ms, now_secs};
use crate::world::World;
use crate::world::account::{Account, PhoneContent, PhoneSent};

/// The collection that a client syncs before it says that it is connected.
const PUSH_NAME_COLLECTION: &str = "critical_block";
const PUSH_NAME_INDEX: &[u8] = br#"["setting_pushName"]"#;
const PUSH_NAME_VERSION: i32 = 1;

impl World {
    /// The phone tells a companion the app state key. Without it the first sync waits for ten
    /// seconds (`whatsapp-rust/src/client/node_io.rs`).
    pub(crate) fn share_sync_key(&mut self, companion: &Addr) {
        let sent = PhoneSent {
            to: companion.phone.clone(),
            content: PhoneContent::SyncKey,
        };
        let id = message_id();
        self.phone_sends_to(companion, &Addr::phone(&companion.phone), &id, &sent, None);
        self.remember_outgoing(&companion.phone, &id, sent);
    }

    /// Writes the account's name where companions learn it.
    pub(crate) fn write_push_name(&mut self, phone: &str) -> Result<(), Error> {
        let patch = push_name_patch(self.account(phone)?)?;
        self.add_patch(phone, PUSH_NAME_COLLECTION, patch)
    }
}

/// The message that carries the key.
pub(crate) fn sync_key_message(account: &Account) -> wa::Message {
    let fingerprint = AppStateSyncKeyFingerprint {
        raw_id: Some(account.row.adv_raw_id),
        current_index: Some(0),
        device_indexes: vec![0],
    };
    let key = AppStateSyncKey {
        key_id: MessageField::some(AppStateSyncKeyId {
            key_id: Some(account.row.sync_key_id.clone()),
        }),
        key_data: MessageField::some(AppStateSyncKeyData {
            key_data: Some(account.row.sync_key.0.to_vec()),
            fingerprint: MessageField::some(fingerprint),
            timestamp: i64::try_from(account.row.created).ok(),
        }),
    };
    wa::Message {
        protocol_message: MessageField::some(ProtocolMessage {
            r#type: Some(ProtocolType::APP_STATE_SYNC_KEY_SHARE),
            app_state_sync_key_share: MessageField::some(AppStateSyncKeyShare { keys: vec![key] }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Whether a message asks for the key.
pub(crate) fn asks_for_key(message: &wa::Message) -> bool {
    message
        .protocol_message
        .as_option()
        .is_some_and(|protocol| protocol.r#type == Some(ProtocolType::APP_STATE_SYNC_KEY_REQUEST))
}

fn push_name_patch(account: &Account) -> Result<wa::SyncdPatch, Error> {
    let keys = expand_app_state_keys(&account.row.sync_key.0);
    let value = wa::SyncActionValue {
        push_name_setting: MessageField::some(wa::sync_action_value::PushNameSetting {
            name: Some(account.row.name.clone()),
        }),
        timestamp: i64::try_from(now_ms()).ok(),
        ..Default::default()
    };
    let (mutation, _) = encode_record(
        SyncdOperation::SET,
        PUSH_NAME_INDEX,
        &value,
        &keys,
        &account.row.sync_key_id,
        &rand::random(),
        PUSH_NAME_VERSION,
    );
    let mutations = vec![mutation];
    let mut state = HashState {
        version: 1,
        ..HashState::default()
    };
    let (_, updated) = state.update_hash(&mutations, |_, _| Ok(None));
    updated.map_err(|error| Error::Corrupt(error.to_string()))?;
    let mut patch = wa::SyncdPatch {
        snapshot_mac: Some(state.generate_snapshot_mac(PUSH_NAME_COLLECTION, &keys.snapshot_mac)),
        key_id: MessageField::some(wa::KeyId {
            id: Some(account.row.sync_key_id.clone()),
        }),
        mutations,
        ..Default::default()
    };
    patch.patch_mac = Some(generate_patch_mac(
        &patch,
        PUSH_NAME_COLLECTION,
        &keys.patch_mac,
        state.version,
    ));
    tracing::debug!(
        phone = account.row.phone,
        at = now_secs(),
        "push name patch"
    );
    Ok(patch)
}
