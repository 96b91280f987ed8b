//! App state on the phone's side: what people change, snapshots, and new keys.

use buffa::Message as _;
use serde_json::{Value, json};
use wacore::download::MediaType;
use waproto::whatsapp as wa;

use super::media::Uploaded;
use crate::addr::Addr;
use crate::app_state::change::Change;
use crate::app_state::collection::SnapshotRef;
use crate::app_state::keys::{SyncKey, SyncKeys};
use crate::error::Error;
use crate::world::World;

/// A snapshot is made anew when it is older than this many patches.
const STALE_AFTER: u64 = 10;

impl World {
    /// A person changes something on the phone. Its companions are told. Returns the version
    /// of the collection.
    pub(crate) fn phone_changes(&mut self, phone: &str, change: &Change) -> Result<u64, Error> {
        let plan = change.plan();
        let account = self.account_mut(phone)?;
        let keys = SyncKeys::of(&account.row);
        let collection = account.app_state.entry(plan.collection);
        let patch = collection.patch(plan.collection, &[plan.mutation], &keys);
        let version = self.add_patch(phone, plan.collection, patch)?;
        self.announce_patch(&Addr::phone(phone), plan.collection, version);
        Ok(version)
    }

    /// Writes the account's name where companions learn it.
    pub(crate) fn write_push_name(&mut self, phone: &str) -> Result<(), Error> {
        let name = self.account(phone)?.row.name.clone();
        self.phone_changes(phone, &Change::PushName { name })?;
        Ok(())
    }

    /// What the values of a patch mean for the account itself.
    pub(crate) fn app_state_set(&mut self, phone: &str, values: &[wa::SyncActionValue]) {
        let mut newest_first = values.iter().rev();
        let name = newest_first.find_map(|value| value.push_name_setting.as_option()?.name.clone());
        let Some(name) = name else {
            return;
        };
        if let Some(account) = self.accounts.get_mut(phone)
            && account.row.name != name
        {
            account.row.name = name;
            self.save_account(phone);
        }
    }

    /// A snapshot of a collection on the media host: that of before, or a new one.
    ///
    /// With WhatsApp it is a device that writes snapshots, for only devices have the key.
    pub(crate) fn app_state_snapshot(
        &mut self,
        phone: &str,
        name: &str,
    ) -> Result<SnapshotRef, Error> {
        let account = self.account(phone)?;
        let collection = account
            .app_state
            .get(name)
            .ok_or_else(|| Error::missing("no such collection"))?;
        if let Some(known) = &collection.snapshot
            && known.version + STALE_AFTER >= collection.version()
        {
            return Ok(known.clone());
        }
        let keys = SyncKeys::of(&account.row);
        let snapshot = collection.snapshot(name, &keys).encode_to_vec();
        let made = SnapshotRef {
            version: collection.version(),
            reference: reference(self.phone_uploads(MediaType::AppState, &snapshot)?),
        };
        let account = self.account_mut(phone)?;
        account.app_state.entry(name).snapshot = Some(made.clone());
        Ok(made)
    }

    /// The phone makes a new key for coming patches. With `share` it tells its companions;
    /// otherwise they must ask, as they do for a key that they lost.
    pub(crate) fn rotate_sync_key(&mut self, phone: &str, share: bool) -> Result<(), Error> {
        self.account_mut(phone)?
            .row
            .newer_sync_keys
            .push(SyncKey::generate());
        self.save_account(phone);
        let companions = self.account(phone)?.addrs();
        self.seen.add(
            "app-state-key",
            Some(&Addr::phone(phone)),
            json!({"shared": share}),
        );
        for companion in companions.iter().filter(|addr| share && addr.device != 0) {
            self.share_sync_key(companion);
        }
        Ok(())
    }

    /// What all devices of an account agree on, decrypted.
    pub(crate) fn app_state_view(&self, phone: &str) -> Result<Value, Error> {
        Ok(self.account(phone)?.app_state.view())
    }
}

fn reference(uploaded: Uploaded) -> Vec<u8> {
    let secrets = uploaded.secrets;
    wa::ExternalBlobReference {
        media_key: Some(secrets.media_key.to_vec()),
        direct_path: Some(uploaded.stored.direct_path),
        handle: None,
        file_size_bytes: Some(uploaded.length),
        file_sha256: Some(secrets.file_sha256.to_vec()),
        file_enc_sha256: Some(secrets.file_enc_sha256.to_vec()),
    }
    .encode_to_vec()
}
