//! One collection: its patches, and what they add up to.

use std::collections::HashMap;

use buffa::{EnumValue, Message as _, MessageField};
use serde::Serialize;
use serde_json::{Map, Value};
use wacore_appstate::encode_record;
use wacore_appstate::hash::{HashState, generate_patch_mac};
use wacore_appstate::{AppStateError, process_patch};
use waproto::whatsapp as wa;
use waproto::whatsapp::syncd_mutation::SyncdOperation;

use super::keys::{SyncKey, SyncKeys};
use crate::error::Error;

/// A value that some device set.
struct Entry {
    record: wa::SyncdRecord,
    value_mac: Vec<u8>,
    index: Vec<String>,
    value: wa::SyncActionValue,
    /// The patch that set it.
    version: u64,
}

/// A snapshot on the media host.
#[derive(Clone)]
pub(crate) struct SnapshotRef {
    pub(crate) version: u64,
    /// An encoded `ExternalBlobReference`.
    pub(crate) reference: Vec<u8>,
}

/// What a device sets or removes.
pub(crate) struct Mutation {
    pub(crate) index: Vec<String>,
    pub(crate) value: wa::SyncActionValue,
    /// The version of the action's schema.
    pub(crate) schema_version: i32,
}

/// A patch that was added.
pub(crate) struct Added {
    pub(crate) version: u64,
    /// Its encoded form, with the version.
    pub(crate) bytes: Vec<u8>,
    /// The values that it sets.
    pub(crate) values: Vec<wa::SyncActionValue>,
}

/// A collection.
#[derive(Default)]
pub(crate) struct Collection {
    hash: HashState,
    /// Encoded patches; that of version n is at n - 1.
    patches: Vec<Vec<u8>>,
    /// By index MAC.
    entries: HashMap<Vec<u8>, Entry>,
    pub(crate) snapshot: Option<SnapshotRef>,
}

impl Collection {
    /// Number of the newest patch; zero when there is none.
    pub(crate) fn version(&self) -> u64 {
        self.hash.version
    }

    /// Encoded patches after `version`, at most `limit`.
    pub(crate) fn after(&self, version: u64, limit: usize) -> &[Vec<u8>] {
        let start = usize::try_from(version).unwrap_or(usize::MAX);
        let rest = self.patches.get(start..).unwrap_or_default();
        rest.get(..limit).unwrap_or(rest)
    }

    /// Adds a patch after checking it as a device would. An error leaves the
    /// collection as it was.
    pub(crate) fn add(
        &mut self,
        name: &str,
        mut patch: wa::SyncdPatch,
        keys: &SyncKeys,
    ) -> Result<Added, Error> {
        if patch.external_mutations.is_set() || patch.mutations.is_empty() {
            return Err(refused("a patch holds its mutations itself"));
        }
        let version = self.version() + 1;
        patch.version = MessageField::some(wa::SyncdVersion {
            version: Some(version),
        });
        let mut hash = self.hash.clone();
        let processed = process_patch(
            &patch,
            &mut hash,
            |id| keys.find(id),
            |index| Ok(self.entries.get(index).map(|entry| entry.value_mac.clone())),
            true,
            name,
        )
        .map_err(refused)?;
        check_macs(name, &patch, &hash, keys).map_err(refused)?;
        if processed.mutations.len() != patch.mutations.len() {
            return Err(refused("a mutation without a record"));
        }
        for index in &processed.removed_index_macs {
            self.entries.remove(index);
        }
        let mut values = Vec::new();
        for (mutation, decoded) in patch.mutations.iter().zip(processed.mutations) {
            let record = &*mutation.record;
            if decoded.operation == SyncdOperation::SET
                && let Some(index_mac) = record.index.blob.clone()
                && let Some(blob) = record.value.blob.as_deref()
            {
                let value = decoded.action_value.unwrap_or_default();
                values.push(value.clone());
                let entry = Entry {
                    record: record.clone(),
                    value_mac: blob[blob.len().saturating_sub(32)..].to_vec(),
                    index: decoded.index,
                    value,
                    version,
                };
                self.entries.insert(index_mac, entry);
            }
        }
        self.hash = hash;
        let bytes = patch.encode_to_vec();
        self.patches.push(bytes.clone());
        Ok(Added {
            version,
            bytes,
            values,
        })
    }

    /// A patch that sets these values, under the current key. A value that is there under an
    /// older key is removed: the index MAC depends on the key.
    pub(crate) fn patch(&self, name: &str, wanted: &[Mutation], keys: &SyncKeys) -> wa::SyncdPatch {
        let key = keys.current();
        let expanded = key.expanded();
        let mut mutations = Vec::new();
        for mutation in wanted {
            mutations.extend(self.removals(&mutation.index, key, keys));
            mutations.push(encode(SyncdOperation::SET, mutation, key));
        }
        let mut hash = self.hash.clone();
        hash.version += 1;
        // The callback knows no error, so neither does the sum.
        let _ = hash.update_hash(&mutations, |index, _| {
            Ok(self.entries.get(index).map(|entry| entry.value_mac.clone()))
        });
        let mut patch = wa::SyncdPatch {
            snapshot_mac: Some(hash.generate_snapshot_mac(name, &expanded.snapshot_mac)),
            key_id: key_id(key),
            mutations,
            ..Default::default()
        };
        let mac = generate_patch_mac(&patch, name, &expanded.patch_mac, hash.version);
        patch.patch_mac = Some(mac);
        patch
    }

    fn removals(
        &self,
        index: &[String],
        current: &SyncKey,
        keys: &SyncKeys,
    ) -> Vec<wa::SyncdMutation> {
        let old = self.entries.values().filter(|entry| {
            entry.index == index && entry.record.key_id.id.as_ref() != Some(&current.id)
        });
        old.filter_map(|entry| {
            let id = entry.record.key_id.id.as_deref()?;
            let key = keys.iter().find(|key| key.id == id)?;
            let mutation = Mutation {
                index: entry.index.clone(),
                value: entry.value.clone(),
                schema_version: 0,
            };
            Some(encode(SyncdOperation::REMOVE, &mutation, key))
        })
        .collect()
    }

    /// Everything that is set, as one message under the current key.
    pub(crate) fn snapshot(&self, name: &str, keys: &SyncKeys) -> wa::SyncdSnapshot {
        let key = keys.current();
        let mac = self
            .hash
            .generate_snapshot_mac(name, &key.expanded().snapshot_mac);
        wa::SyncdSnapshot {
            version: MessageField::some(wa::SyncdVersion {
                version: Some(self.version()),
            }),
            records: self
                .entries
                .values()
                .map(|entry| entry.record.clone())
                .collect(),
            mac: Some(mac),
            key_id: key_id(key),
        }
    }

    /// The values by index, as JSON.
    pub(super) fn view(&self) -> Value {
        let mut entries: Vec<_> = self.entries.values().collect();
        entries.sort_by_key(|entry| entry.version);
        let values = entries.into_iter().map(|entry| {
            let index = Value::from(entry.index.clone()).to_string();
            (index, plain(&entry.value).unwrap_or_default())
        });
        // Of two values under one index the newer stays.
        Value::Object(values.collect::<Map<_, _>>())
    }
}

/// The MACs that `process_patch` leaves to its caller: it lets a patch without them pass, and
/// goes on after a wrong snapshot MAC, as WhatsApp Web does. A device that writes must be right.
fn check_macs(
    name: &str,
    patch: &wa::SyncdPatch,
    hash: &HashState,
    keys: &SyncKeys,
) -> Result<(), AppStateError> {
    let key_id = patch
        .key_id
        .id
        .as_deref()
        .ok_or(AppStateError::MissingKeyId)?;
    if patch.patch_mac.is_none() {
        return Err(AppStateError::PatchMACMismatch);
    }
    let expected = hash.generate_snapshot_mac(name, &keys.find(key_id)?.snapshot_mac);
    if patch.snapshot_mac.as_ref() != Some(&expected) {
        return Err(AppStateError::PatchSnapshotMACMismatch);
    }
    Ok(())
}

fn encode(operation: SyncdOperation, mutation: &Mutation, key: &SyncKey) -> wa::SyncdMutation {
    let index = Value::from(mutation.index.clone()).to_string();
    let (mutation, _) = encode_record(
        operation,
        index.as_bytes(),
        &mutation.value,
        &key.expanded(),
        &key.id,
        &rand::random(),
        mutation.schema_version,
    );
    wa::SyncdMutation {
        operation: Some(EnumValue::from(operation)),
        ..mutation
    }
}

fn key_id(key: &SyncKey) -> MessageField<wa::KeyId> {
    MessageField::some(wa::KeyId {
        id: Some(key.id.clone()),
    })
}

fn refused(why: impl std::fmt::Display) -> Error {
    Error::BadRequest(format!("app state patch: {why}"))
}

/// A message as JSON, without the fields that are not set.
fn plain(message: &impl Serialize) -> Option<Value> {
    fn prune(value: Value) -> Option<Value> {
        match value {
            Value::Null => None,
            Value::Array(items) if items.is_empty() => None,
            Value::Object(fields) => Some(Value::Object(
                fields
                    .into_iter()
                    .filter_map(|(name, value)| Some((name, prune(value)?)))
                    .collect(),
            )),
            other => Some(other),
        }
    }
    prune(serde_json::to_value(message).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app_state::change::Change;

    const NAME: &str = "regular_high";

    fn keys(keys: &[&SyncKey]) -> SyncKeys {
        SyncKeys::from_iter(keys.iter().map(|key| (*key).clone()))
    }

    fn mute(on: bool) -> Mutation {
        let chat = "5511999990001".to_owned();
        Change::Mute {
            chat,
            on,
            until_ms: None,
        }
        .plan()
        .mutation
    }

    fn muted(collection: &Collection) -> Value {
        let index = r#"["mute","5511999990001@s.whatsapp.net"]"#;
        collection.view()[index]["mute_action"]["muted"].clone()
    }

    #[test]
    fn patches_add_up_and_wrong_ones_change_nothing() {
        let key = SyncKey::generate();
        let keys = keys(&[&key]);
        let mut collection = Collection::default();
        for on in [true, false] {
            let patch = collection.patch(NAME, &[mute(on)], &keys);
            collection.add(NAME, patch, &keys).expect("patch");
            assert_eq!(muted(&collection), on);
        }
        let good = collection.patch(NAME, &[mute(true)], &keys);
        let wrong: [fn(&mut wa::SyncdPatch); 5] = [
            |patch| patch.patch_mac = None,
            |patch| patch.snapshot_mac = Some(vec![0; 32]),
            |patch| patch.key_id = MessageField::none(),
            |patch| patch.mutations.push(patch.mutations[0].clone()),
            |patch| patch.mutations.clear(),
        ];
        for spoil in wrong {
            let mut patch = good.clone();
            spoil(&mut patch);
            assert!(collection.add(NAME, patch, &keys).is_err());
        }
        let stranger = super::tests::keys(&[&SyncKey::generate()]);
        let foreign = collection.patch(NAME, &[mute(true)], &stranger);
        assert!(collection.add(NAME, foreign, &keys).is_err());
        // MACs hold the name of the collection.
        assert!(collection.add("regular", good.clone(), &keys).is_err());
        assert_eq!(
            (collection.version(), muted(&collection)),
            (2, false.into())
        );
        collection.add(NAME, good, &keys).expect("still fits");
        assert_eq!(collection.after(1, 10).len(), 2);
        assert_eq!(collection.after(1, 1).len(), 1);
        assert!(collection.after(9, 1).is_empty());
    }

    #[test]
    fn a_new_key_takes_over_what_an_old_one_set() {
        let (old, new) = (SyncKey::generate(), SyncKey::generate());
        let mut collection = Collection::default();
        let patch = collection.patch(NAME, &[mute(true)], &keys(&[&old]));
        collection.add(NAME, patch, &keys(&[&old])).expect("old");
        let both = keys(&[&old, &new]);
        let patch = collection.patch(NAME, &[mute(false)], &both);
        collection.add(NAME, patch, &both).expect("new");
        assert_eq!(collection.entries.len(), 1);
        let snapshot = collection.snapshot(NAME, &both);
        let mut hash = HashState::default();
        hash.update_hash_from_records(&snapshot.records);
        assert_eq!(hash.hash, collection.hash.hash);
    }
}
