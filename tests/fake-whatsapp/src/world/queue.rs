//! The offline queue of a device: stanzas that it has not acknowledged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::keys::b64;

/// A stanza that waits for its acknowledgement.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Queued {
    /// `message`, `receipt` or `notification`.
    pub(crate) class: String,
    pub(crate) id: String,
    /// The `from` attribute as text.
    pub(crate) from: String,
    /// The marshalled stanza.
    #[serde(with = "b64")]
    pub(crate) stanza: Vec<u8>,
    /// When it was queued, in seconds since 1970.
    #[serde(default)]
    pub(crate) at: u64,
}

/// Stanzas in delivery order.
#[derive(Default)]
pub(crate) struct Queue {
    items: BTreeMap<u64, Queued>,
    last: u64,
    /// First number that was not sent on the live socket yet.
    pub(crate) unsent_from: u64,
    /// How many were sent since the device said that it listens.
    pub(crate) drained: usize,
}

impl Queue {
    /// Adds a stanza. Returns its number.
    pub(crate) fn push(&mut self, item: Queued) -> u64 {
        self.last += 1;
        self.items.insert(self.last, item);
        self.last
    }

    /// Takes back a stored stanza.
    pub(crate) fn restore(&mut self, n: u64, item: Queued) {
        self.last = self.last.max(n);
        self.items.insert(n, item);
    }

    /// Removes the stanza that an acknowledgement is about. Returns its number.
    pub(crate) fn acknowledge(&mut self, class: &str, id: &str, from: Option<&str>) -> Option<u64> {
        let n = self
            .items
            .iter()
            .find(|(_, item)| {
                item.class == class && item.id == id && from.is_none_or(|from| item.from == from)
            })
            .map(|(n, _)| *n)?;
        self.items.remove(&n);
        Some(n)
    }

    /// Puts another stanza in the place of one that waits. Returns its number.
    pub(crate) fn replace(
        &mut self,
        class: &str,
        id: &str,
        stanza: &[u8],
    ) -> Option<(u64, &Queued)> {
        let (n, item) = self
            .items
            .iter_mut()
            .find(|(_, item)| item.class == class && item.id == id)?;
        item.stanza = stanza.to_vec();
        Some((*n, item))
    }

    /// Removes what has waited since before `limit`, in seconds since 1970.
    pub(crate) fn expire(&mut self, limit: u64) -> Vec<u64> {
        let old: Vec<u64> = self
            .items
            .iter()
            .filter(|(_, item)| item.at < limit)
            .map(|(n, _)| *n)
            .collect();
        for n in &old {
            self.items.remove(n);
        }
        old
    }

    /// How many of each class wait.
    pub(crate) fn count(&self, class: &str) -> usize {
        self.items
            .values()
            .filter(|item| item.class == class)
            .count()
    }

    /// Stanzas that wait, in order, from number `from` on.
    pub(crate) fn from(&self, from: u64) -> impl Iterator<Item = (u64, &Queued)> {
        self.items.range(from..).map(|(n, item)| (*n, item))
    }

    /// How many stanzas wait.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(class: &str, id: &str, from: &str) -> Queued {
        Queued {
            class: class.into(),
            id: id.into(),
            from: from.into(),
            stanza: Vec::new(),
            at: 100,
        }
    }

    #[test]
    fn acknowledgements_match_class_id_and_sender() {
        let mut queue = Queue::default();
        queue.push(item("message", "A", "1"));
        queue.push(item("receipt", "A", "1"));
        queue.push(item("message", "A", "2"));
        assert_eq!(queue.acknowledge("message", "A", Some("2")), Some(3));
        assert_eq!(queue.acknowledge("message", "A", Some("2")), None);
        assert_eq!(queue.acknowledge("receipt", "A", None), Some(2));
        assert_eq!(queue.len(), 1);
        assert_eq!(queue.push(item("message", "B", "1")), 4);
        assert_eq!(queue.from(2).count(), 1);
    }

    #[test]
    fn old_stanzas_go_and_waiting_ones_can_be_replaced() {
        let mut queue = Queue::default();
        queue.push(item("call", "A", "1"));
        queue.push(Queued {
            at: 200,
            ..item("message", "B", "1")
        });
        assert!(queue.replace("message", "A", b"x").is_none());
        let replaced = queue.replace("call", "A", b"x").map(|(n, _)| n);
        assert_eq!(replaced, Some(1));
        assert_eq!((queue.count("call"), queue.count("message")), (1, 1));
        assert_eq!(queue.expire(150), [1]);
        assert_eq!((queue.count("call"), queue.len()), (0, 1));
    }
}
