//! A small cache of decoded blocks, indexes and filters.
//!
//! `SlateDB` brings a cache only with its `foyer` or `moka` features. Without any, every
//! point read of a flushed row would fetch index and filter again: two requests more.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use slatedb::db_cache::{CachedEntry, CachedKey, DbCache};

/// Two generations: when the young one is full it becomes the old one, and the old one
/// goes. An entry that is read again moves to the young one. Never above its limit.
pub(crate) struct BlockCache {
    generation_bytes: usize,
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<CachedKey, CachedEntry>,
    young_bytes: usize,
    old: HashMap<CachedKey, CachedEntry>,
}

impl BlockCache {
    /// A cache of at most `bytes` bytes of entries.
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            generation_bytes: bytes / 2,
            generations: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        // A panic elsewhere leaves at worst a wrong size, which the next turn resets.
        self.generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, key: &CachedKey) -> Option<CachedEntry> {
        let mut generations = self.lock();
        if let Some(entry) = generations.young.get(key) {
            return Some(entry.clone());
        }
        let entry = generations.old.remove(key)?;
        generations.insert(key.clone(), entry.clone(), self.generation_bytes);
        Some(entry)
    }
}

impl Generations {
    fn insert(&mut self, key: CachedKey, entry: CachedEntry, limit_bytes: usize) {
        let bytes = entry.size();
        if bytes > limit_bytes {
            return;
        }
        if self.young_bytes + bytes > limit_bytes {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        let replaced = self
            .young
            .insert(key, entry)
            .map_or(0, |entry| entry.size());
        self.young_bytes = (self.young_bytes + bytes).saturating_sub(replaced);
    }
}

#[async_trait]
impl DbCache for BlockCache {
    async fn get_block(&self, key: &CachedKey) -> Result<Option<CachedEntry>, slatedb::Error> {
        Ok(self.get(key))
    }

    async fn get_index(&self, key: &CachedKey) -> Result<Option<CachedEntry>, slatedb::Error> {
        Ok(self.get(key))
    }

    async fn get_filter(&self, key: &CachedKey) -> Result<Option<CachedEntry>, slatedb::Error> {
        Ok(self.get(key))
    }

    async fn get_stats(&self, key: &CachedKey) -> Result<Option<CachedEntry>, slatedb::Error> {
        Ok(self.get(key))
    }

    async fn insert(&self, key: CachedKey, value: CachedEntry) {
        self.lock().insert(key, value, self.generation_bytes);
    }

    async fn remove(&self, key: &CachedKey) {
        let mut generations = self.lock();
        if let Some(entry) = generations.young.remove(key) {
            generations.young_bytes = generations.young_bytes.saturating_sub(entry.size());
        }
        generations.old.remove(key);
    }

    fn entry_count(&self) -> u64 {
        let generations = self.lock();
        (generations.young.len() + generations.old.len()) as u64
    }
}
