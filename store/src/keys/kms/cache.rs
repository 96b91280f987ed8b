//! Opened data keys, few and not for long.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use pombal_domain::InstanceId;
use ring::digest::{Context, SHA256};

use crate::keys::DataKey;

/// Names a wrapped key of an instance, without being it.
pub(super) type Id = [u8; 32];

pub(super) fn id(instance: InstanceId, wrapped: &[u8]) -> Id {
    let mut digest = Context::new(&SHA256);
    digest.update(instance.as_uuid().as_bytes());
    digest.update(wrapped);
    let mut id = [0; 32];
    id.copy_from_slice(digest.finish().as_ref());
    id
}

/// The oldest goes first; a key that goes is wiped.
pub(super) struct Cache {
    keys: HashMap<Id, DataKey>,
    /// When each key came, oldest first.
    order: VecDeque<(Instant, Id)>,
    most: usize,
    longest: Duration,
}

impl Cache {
    pub(super) fn new(most: usize, longest: Duration) -> Self {
        Self {
            keys: HashMap::new(),
            order: VecDeque::new(),
            most,
            longest,
        }
    }

    pub(super) fn get(&mut self, id: &Id, now: Instant) -> Option<DataKey> {
        self.expire(now);
        self.keys.get(id).cloned()
    }

    pub(super) fn put(&mut self, id: Id, key: DataKey, now: Instant) {
        self.expire(now);
        // A key that is there already keeps its age.
        if self.most == 0 || self.keys.contains_key(&id) {
            return;
        }
        if self.keys.len() == self.most {
            self.drop_oldest();
        }
        self.keys.insert(id, key);
        self.order.push_back((now, id));
    }

    fn expire(&mut self, now: Instant) {
        while let Some((since, _)) = self.order.front()
            && now.duration_since(*since) >= self.longest
        {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, id)) = self.order.pop_front() {
            self.keys.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_kept_up_to_a_number_and_an_age() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut cache = Cache::new(2, second * 10);
        let instance = InstanceId::random();
        let ids = [b"a", b"b", b"c"].map(|wrapped| id(instance, wrapped));
        let key = |byte| DataKey::from_bytes([byte; 32]);
        for (at, id) in (0..).zip(ids) {
            cache.put(id, key(at), start + second * u32::from(at));
        }
        let now = start + second * 3;
        assert!(cache.get(&ids[0], now).is_none(), "one too many");
        assert_eq!(cache.get(&ids[1], now).unwrap().expose(), &[1; 32]);
        // Used, and put again: neither makes it younger.
        cache.put(ids[1], key(1), now);
        assert!(cache.get(&ids[1], start + second * 11).is_none(), "too old");
        assert!(cache.get(&ids[2], start + second * 11).is_some());
        assert!(cache.get(&ids[2], start + second * 12).is_none());
        assert_eq!((cache.keys.len(), cache.order.len()), (0, 0));
    }

    #[test]
    fn a_key_is_kept_for_its_instance_only() {
        let (one, two) = (InstanceId::random(), InstanceId::random());
        assert_ne!(id(one, b"wrapped"), id(two, b"wrapped"));
        let mut none = Cache::new(0, Duration::from_secs(1));
        none.put(id(one, b""), DataKey::from_bytes([1; 32]), Instant::now());
        assert!(none.get(&id(one, b""), Instant::now()).is_none());
    }
}
