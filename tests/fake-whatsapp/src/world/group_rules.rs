//! Rules for groups that a correct client never breaks.

use std::collections::BTreeSet;

use crate::addr::Addr;
use crate::groups::Group;
use crate::keys::Key32;
use crate::store::Bucket;
use crate::time::now_ms;
use crate::world::World;
use crate::world::device::GroupChains;
use crate::world::rules::KeyUse;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use wacore_libsignal::protocol::SenderKeyMessage;

/// How long a device may take to act on news about who is in a group: it acknowledges them
/// before it has read them, and may be encrypting meanwhile.
const GRACE_MS: u64 = 30_000;
/// How many chains of a device are remembered, by group.
const CHAINS: usize = 4;

/// What the sender of a group message did with its sender key.
pub(crate) struct SenderKeyUse<'a> {
    pub(crate) stanza_id: &'a str,
    /// The `skmsg`.
    pub(crate) bytes: &'a [u8],
    /// Phones that got a copy of their own in the same stanza.
    pub(crate) given: Vec<String>,
}

impl World {
    /// A device writes to a group that it is not in, though it was told.
    pub(crate) fn check_member(&mut self, from: &Addr, group: &Group, stanza_id: &str) {
        let just_left = group
            .left
            .get(&from.phone)
            .is_some_and(|left| self.is_news(*left));
        if !just_left && !self.has_unread_news(from, group) {
            let detail = format!(
                "{from} sent {stanza_id} to {}, which it is not in",
                group.jid()
            );
            self.break_rule("group-not-member", detail);
        }
    }

    /// Each iteration of a sender key encrypts one thing; iterations do not go back after a new
    /// login; and every phone in the group has been given the key.
    pub(crate) fn check_sender_key_use(
        &mut self,
        from: &Addr,
        group: &Group,
        used: &SenderKeyUse<'_>,
    ) {
        let Ok(message) = SenderKeyMessage::try_from(used.bytes) else {
            let detail = format!("{from} sent {}, which is no skmsg", used.stanza_id);
            return self.break_rule("sender-key-unreadable", detail);
        };
        let chain = message.chain_id();
        let details = json!({
            "id": used.stanza_id,
            "group": group.jid().to_string(),
            "chain": chain,
            "iteration": message.iteration(),
        });
        self.seen.add("sender-key", Some(from), details);
        self.check_key_use(&KeyUse {
            from,
            // One chain for all who read it.
            to: &Addr::phone(group.jid().to_string()),
            ratchet: ratchet(chain),
            counter: message.iteration(),
            ciphertext: Key32(Sha256::digest(used.bytes).into()),
            stanza_id: used.stanza_id,
            reused: "sender-key-reused",
            went_back: "sender-key-went-back",
        });
        self.check_given(from, group, chain, used);
    }

    fn check_given(&mut self, from: &Addr, group: &Group, chain: u32, used: &SenderKeyUse<'_>) {
        let Some(device) = self.device_mut(from) else {
            return;
        };
        let chains = device.group_chains.entry(group.id.clone()).or_default();
        let before = chains.clone();
        let given = note_given(chains, group, chain, &used.given);
        let after = chains.clone();
        if after != before {
            let key = format!("{from}/{}", group.id);
            self.store.put(Bucket::GroupChain, key, &after);
        }
        if self.has_unread_news(from, group) {
            return;
        }
        let left_out: Vec<_> = group
            .members
            .iter()
            .filter(|(phone, _)| !given.contains(*phone) && !self.absent.contains(*phone))
            .filter(|(phone, member)| {
                let known = before.known.get(*phone) == Some(&member.joined);
                known || !self.is_news(member.joined)
            })
            .map(|(phone, _)| phone.clone())
            .collect();
        for phone in left_out {
            let detail = format!(
                "{from} sent {} to {} with a sender key that it never gave to {phone}",
                used.stanza_id,
                group.jid()
            );
            self.break_rule("sender-key-not-given", detail);
        }
    }

    /// Whether this happened too recently to hold it against anyone.
    fn is_news(&self, at_ms: u64) -> bool {
        let grace = self.config.group_news_ms.unwrap_or(GRACE_MS);
        now_ms().saturating_sub(at_ms) < grace
    }

    /// Whether a device may not know yet who is in a group.
    fn has_unread_news(&self, device: &Addr, group: &Group) -> bool {
        let jid = group.jid().to_string();
        self.device(device).is_some_and(|device| {
            device
                .queue
                .from(0)
                .any(|(_, item)| item.class == "notification" && item.from == jid)
        })
    }
}

/// Notes who was given a key. Returns all who have it.
fn note_given(
    chains: &mut GroupChains,
    group: &Group,
    chain: u32,
    phones: &[String],
) -> BTreeSet<String> {
    for phone in phones {
        if let Some(member) = group.members.get(phone) {
            chains.known.insert(phone.clone(), member.joined);
        }
    }
    let index = chains.given.iter().position(|(id, _)| *id == chain);
    let mut given = index.map_or_else(BTreeSet::new, |index| chains.given.remove(index).1);
    given.extend(phones.iter().cloned());
    chains.given.push((chain, given.clone()));
    // Messages of the chain before may still be on their way; older ones are not.
    if chains.given.len() > CHAINS {
        chains.given.remove(0);
    }
    given
}

/// A chain of a sender key has a number where pairwise chains have a key.
fn ratchet(chain: u32) -> Key32 {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&chain.to_be_bytes());
    Key32(bytes)
}
