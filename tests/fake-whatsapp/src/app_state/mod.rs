//! App state: settings that all devices of an account share, as encrypted patches.
//!
//! The server numbers patches and hands them out; it can't read them. The simulated phone
//! has the keys, so it reads every patch, checks it as another device would, and refuses
//! what no device could apply. Formats: the crate `wacore-appstate`.

pub(crate) mod change;
pub(crate) mod collection;
pub(crate) mod keys;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use wacore_appstate::schemas::COLLECTIONS;

use collection::Collection;

/// All collections of an account. Those without patches need not be here.
#[derive(Default)]
pub(crate) struct AppState {
    collections: BTreeMap<String, Collection>,
}

impl AppState {
    /// Whether WhatsApp has a collection of this name.
    pub(crate) fn exists(name: &str) -> bool {
        COLLECTIONS.iter().any(|known| known.as_str() == name)
    }

    /// A collection, to read it.
    pub(crate) fn get(&self, name: &str) -> Option<&Collection> {
        self.collections.get(name)
    }

    /// A collection, to change it.
    pub(crate) fn entry(&mut self, name: &str) -> &mut Collection {
        self.collections.entry(name.to_owned()).or_default()
    }

    /// What all devices agree on: per collection its version, and its values by index.
    pub(crate) fn view(&self) -> Value {
        let collections = self.collections.iter().map(|(name, collection)| {
            let view = json!({
                "version": collection.version(),
                "values": collection.view(),
            });
            (name.clone(), view)
        });
        Value::Object(collections.collect::<Map<_, _>>())
    }
}
