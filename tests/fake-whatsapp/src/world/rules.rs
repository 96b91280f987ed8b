//! Rules that a correct client never breaks. A crash of the client is no excuse.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::addr::Addr;
use crate::keys::Key32;
use crate::phone::cipher::{Parsed, raw};
use crate::store::Bucket;
use crate::world::World;
use crate::world::device::{ChainUse, SentMessage};

/// One use of a message key, pairwise or of a sender key.
pub(crate) struct KeyUse<'a> {
    pub(crate) from: &'a Addr,
    /// The other device, or a group.
    pub(crate) to: &'a Addr,
    /// Which chain of keys.
    pub(crate) ratchet: Key32,
    /// Which key of the chain.
    pub(crate) counter: u32,
    pub(crate) ciphertext: Key32,
    pub(crate) stanza_id: &'a str,
    /// Kind of the violation when the key encrypted something else before.
    pub(crate) reused: &'static str,
    /// Kind of the violation when a later key was used before this login.
    pub(crate) went_back: &'static str,
}

impl World {
    /// Notes a broken rule, for good.
    pub(crate) fn break_rule(&mut self, kind: &str, detail: String) {
        if let Some(violation) = self.seen.violation(kind, detail) {
            self.store.put(
                Bucket::Violation,
                format!("{:020}", violation.n),
                &violation,
            );
        }
    }

    /// Every message key may encrypt one thing in one stanza.
    pub(crate) fn check_message_key(
        &mut self,
        from: &Addr,
        to: &Addr,
        stanza_id: &str,
        parsed: &Parsed,
    ) {
        let signal = parsed.signal();
        self.check_key_use(&KeyUse {
            from,
            to,
            ratchet: raw(signal.sender_ratchet_key()),
            counter: signal.counter(),
            // A prekey message wraps the same message in each send; compare the inner one.
            ciphertext: Key32(Sha256::digest(signal.serialized()).into()),
            stanza_id,
            reused: "message-key-reused",
            went_back: "counter-went-back",
        });
    }

    /// Every key may encrypt one thing in one stanza, and a new login goes on where the last
    /// one was.
    pub(crate) fn check_key_use(&mut self, used: &KeyUse<'_>) {
        let KeyUse {
            from,
            to,
            ratchet,
            counter,
            ciphertext,
            stanza_id,
            ..
        } = *used;
        let Some(device) = self.device_mut(from) else {
            return;
        };
        let login = device.row.logins;
        let chain = device.chains.entry((to.clone(), ratchet)).or_default();
        if chain.login != login {
            chain.floor = (!chain.counters.is_empty()).then_some(chain.highest);
            chain.login = login;
        }
        let floor = chain.floor;
        let use_now = ChainUse {
            ciphertext,
            id: stanza_id.to_owned(),
            login,
        };
        if let Some(before) = chain.counters.get(&counter) {
            if before.ciphertext == ciphertext && before.id == stanza_id {
                return;
            }
            let what = if before.ciphertext == ciphertext {
                format!("the same bytes in stanzas {} and {stanza_id}", before.id)
            } else {
                format!("different bytes in stanzas {} and {stanza_id}", before.id)
            };
            let detail = format!("{from} -> {to}, counter {counter}: {what}");
            return self.break_rule(used.reused, detail);
        }
        chain.counters.insert(counter, use_now.clone());
        chain.highest = chain.highest.max(counter);
        let key = chain_key(from, to, &ratchet, counter);
        self.store.put(Bucket::Chain, key, &use_now);
        // Within one login, concurrent sends may overtake each other on the way to the wire.
        if let Some(floor) = floor
            && counter < floor
        {
            self.break_rule(
                used.went_back,
                format!("{from} -> {to}, stanza {stanza_id}: counter {counter} after {floor}"),
            );
        }
    }

    /// A one-time prekey of a phone starts one session.
    pub(crate) fn check_phone_prekey(&mut self, from: &Addr, to: &Addr, parsed: &Parsed) {
        let Parsed::PreKey(message) = parsed else {
            return;
        };
        let Some(id) = message.pre_key_id().map(u32::from) else {
            return;
        };
        let Ok(account) = self.account(&to.phone) else {
            return;
        };
        let base_key = raw(message.base_key());
        if account
            .phone
            .one_time
            .consumed
            .get(&id)
            .is_some_and(|used| *used != base_key)
        {
            self.break_rule(
                "prekey-id-reused",
                format!("{from} used the consumed one-time prekey {id} of {to}"),
            );
        }
    }

    /// A one-time prekey of a companion starts one session.
    pub(crate) fn check_companion_prekey(&mut self, from: &Addr, to: &Addr, parsed: &Parsed) {
        let Parsed::PreKey(message) = parsed else {
            return;
        };
        let Some(id) = message.pre_key_id().map(u32::from) else {
            return;
        };
        let base_key = raw(message.base_key());
        // A key that is not in the pool came with a retry receipt.
        let Some(key) = self
            .device_mut(to)
            .and_then(|device| device.prekeys.get_mut(&id))
        else {
            return;
        };
        match key.base_key {
            None => {
                key.base_key = Some(base_key);
                let key = key.clone();
                self.store.put(Bucket::Prekey, format!("{to}/{id}"), &key);
            }
            Some(used) if used != base_key => self.break_rule(
                "prekey-id-reused",
                format!("{from} used the consumed one-time prekey {id} of {to}"),
            ),
            Some(_) => {}
        }
    }

    /// A device uploads prekeys. `false` when an id stands for another key already: then the
    /// upload must be refused. A key that was handed out must not be offered again either; it
    /// is noted, and stays out of the pool.
    pub(crate) fn check_uploaded_prekeys(&mut self, addr: &Addr, keys: &[(u32, Key32)]) -> bool {
        let Some(device) = self.device(addr) else {
            return true;
        };
        let known = |id: &u32| device.prekeys.get(id);
        let other: Vec<u32> = keys
            .iter()
            .filter(|(id, public)| known(id).is_some_and(|known| known.public != *public))
            .map(|(id, _)| *id)
            .collect();
        let used: Vec<u32> = keys
            .iter()
            .filter(|(id, public)| {
                known(id).is_some_and(|known| known.public == *public && known.used)
            })
            .map(|(id, _)| *id)
            .collect();
        for id in &other {
            self.break_rule(
                "prekey-id-reused",
                format!("{addr} uploaded the one-time prekey {id} again with another key"),
            );
        }
        for id in used {
            self.break_rule(
                "used-prekey-uploaded",
                format!("{addr} uploaded the one-time prekey {id}, which had been handed out"),
            );
        }
        other.is_empty()
    }

    /// A stanza id means one content. Returns `true` when the stanza was accepted before.
    pub(crate) fn check_message_id(
        &mut self,
        from: &Addr,
        stanza_id: &str,
        content: Option<Key32>,
        is_retry: bool,
    ) -> bool {
        let Some(device) = self.device_mut(from) else {
            return false;
        };
        let before = device.sent.get(stanza_id).map(|sent| sent.content);
        let kept = match before {
            Some(Some(known)) => Some(known),
            _ => content,
        };
        let row = SentMessage { content: kept };
        device.sent.insert(stanza_id.to_owned(), row.clone());
        self.store
            .put(Bucket::Sent, format!("{from}/{stanza_id}"), &row);
        match before {
            None => false,
            Some(Some(known)) if content.is_some_and(|content| content != known) => {
                self.break_rule(
                    "message-id-reused",
                    format!("{from} sent stanza {stanza_id} again with another content"),
                );
                true
            }
            Some(_) if is_retry => true,
            Some(_) => {
                self.seen
                    .add("resend", Some(from), json!({"id": stanza_id}));
                true
            }
        }
    }
}

/// Where one use of a message key is stored.
pub(crate) fn chain_key(from: &Addr, to: &Addr, ratchet: &Key32, counter: u32) -> String {
    use base64::Engine as _;
    let ratchet = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(ratchet.0);
    format!("{from}/{to}/{ratchet}/{counter}")
}

/// Reads the key of a stored use back.
pub(crate) fn parse_chain_key(key: &str) -> Option<(Addr, Addr, Key32, u32)> {
    use base64::Engine as _;
    let mut parts = key.split('/');
    let from = parts.next()?.parse().ok()?;
    let to = parts.next()?.parse().ok()?;
    let ratchet = base64::prelude::BASE64_URL_SAFE_NO_PAD
        .decode(parts.next()?)
        .ok()?;
    let counter = parts.next()?.parse().ok()?;
    Some((from, to, crate::keys::djb(&ratchet).ok()?, counter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SignedPreKey;
    use crate::phone::cipher::CompanionBundle;
    use crate::phone::{Phone, PhoneBundle, PhoneKeys};
    use crate::store::Store;
    use crate::world::device::{Device, DeviceRow, UploadedKey};
    use crate::world::load::load;

    const ANA: &str = "5511000000001";
    const BIA: &str = "5511000000002";

    /// A world where Ana has a companion, which is played by the phone that is returned.
    fn world() -> (World, Addr, Phone) {
        let (mut world, _) = load(Store::open(None).expect("store")).expect("world");
        world.ensure_account(ANA, "Ana").expect("account");
        world.ensure_account(BIA, "Bia").expect("account");
        let keys = PhoneKeys::generate().expect("keys");
        let row = DeviceRow {
            noise: Key32([0; 32]),
            identity: keys.identity.public,
            registration_id: keys.registration_id,
            signed_prekey: SignedPreKey {
                id: 1,
                public: Key32([0; 32]),
                signature: vec![],
            },
            adv_identity: vec![],
            key_index: 1,
            os: String::new(),
            full_history: false,
            logins: 1,
            paired_at: 0,
        };
        let addr = Addr::new(ANA, 1);
        let account = world.account_mut(ANA).expect("Ana");
        account.devices.insert(1, Device::new(row));
        (world, addr, Phone::new(keys).expect("phone"))
    }

    fn session(companion: &mut Phone, bundle: &PhoneBundle) {
        let bundle = CompanionBundle {
            registration_id: bundle.registration_id,
            identity: bundle.identity,
            signed_prekey: bundle.signed_prekey.clone(),
            one_time: Some(bundle.one_time),
        };
        companion
            .start_session(&Addr::phone(BIA), &bundle)
            .expect("session");
    }

    fn next(companion: &mut Phone) -> Parsed {
        let (kind, bytes) = companion.encrypt(&Addr::phone(BIA), b"x").expect("encrypt");
        Parsed::parse(kind, &bytes).expect("parse")
    }

    fn kinds(world: &World) -> Vec<&str> {
        world
            .seen
            .violations
            .iter()
            .map(|violation| violation.kind.as_str())
            .collect()
    }

    #[test]
    fn overtaking_is_fine_within_a_login_and_not_after_it() {
        let (mut world, ana, mut companion) = world();
        let bia = Addr::phone(BIA);
        let bundle = world.account_mut(BIA).expect("Bia").phone.take_bundle();
        session(&mut companion, &bundle);
        let messages: Vec<_> = (0..5).map(|_| next(&mut companion)).collect();
        world.check_message_key(&ana, &bia, "0", &messages[0]);
        world.check_message_key(&ana, &bia, "4", &messages[4]);
        world.check_message_key(&ana, &bia, "2", &messages[2]);
        world.check_message_key(&ana, &bia, "2", &messages[2]);
        assert!(kinds(&world).is_empty());
        world.device_mut(&ana).expect("device").row.logins = 2;
        world.check_message_key(&ana, &bia, "3", &messages[3]);
        assert_eq!(kinds(&world), ["counter-went-back"]);
        world.check_message_key(&ana, &bia, "other", &messages[4]);
        assert_eq!(kinds(&world), ["counter-went-back", "message-key-reused"]);
    }

    #[test]
    fn consumed_phone_prekey_starts_no_second_session() {
        let (mut world, ana, mut companion) = world();
        let bia = Addr::phone(BIA);
        let bundle = world.account_mut(BIA).expect("Bia").phone.take_bundle();
        session(&mut companion, &bundle);
        let (first, second) = (next(&mut companion), next(&mut companion));
        world
            .account_mut(BIA)
            .expect("Bia")
            .phone
            .decrypt(&ana, first)
            .expect("decrypt");
        world.check_phone_prekey(&ana, &bia, &second);
        assert!(
            kinds(&world).is_empty(),
            "the same session may go on with prekey messages"
        );
        companion.sessions.records.clear();
        session(&mut companion, &bundle);
        let again = next(&mut companion);
        world.check_phone_prekey(&ana, &bia, &again);
        assert_eq!(kinds(&world), ["prekey-id-reused"]);
    }

    #[test]
    fn companion_prekey_starts_one_session() {
        let (mut world, ana, mut companion) = world();
        let bundle = world.account_mut(BIA).expect("Bia").phone.take_bundle();
        let (id, public) = bundle.one_time;
        let device = world.device_mut(&ana).expect("device");
        device.prekeys.insert(id, UploadedKey::fresh(public));
        let other = Addr::new(BIA, 7);
        session(&mut companion, &bundle);
        let (first, second) = (next(&mut companion), next(&mut companion));
        world.check_companion_prekey(&other, &ana, &first);
        world.check_companion_prekey(&other, &ana, &second);
        assert!(kinds(&world).is_empty(), "one session, many messages");
        companion.sessions.records.clear();
        session(&mut companion, &bundle);
        let again = next(&mut companion);
        world.check_companion_prekey(&other, &ana, &again);
        assert_eq!(kinds(&world), ["prekey-id-reused"]);
    }

    #[test]
    fn an_upload_must_not_give_an_id_another_key() {
        let (mut world, ana, _) = world();
        let (one, other) = (Key32([1; 32]), Key32([2; 32]));
        let device = world.device_mut(&ana).expect("device");
        device.prekeys.insert(5, UploadedKey::fresh(one));
        assert!(world.check_uploaded_prekeys(&ana, &[(5, one), (6, other)]));
        assert!(kinds(&world).is_empty());
        assert!(!world.check_uploaded_prekeys(&ana, &[(5, other)]));
        assert_eq!(kinds(&world), ["prekey-id-reused"]);
    }

    #[test]
    fn one_id_means_one_content() {
        let (mut world, ana, _) = world();
        let (one, other) = (Some(Key32([1; 32])), Some(Key32([2; 32])));
        assert!(!world.check_message_id(&ana, "A", None, false));
        assert!(world.check_message_id(&ana, "A", one, true));
        assert!(world.check_message_id(&ana, "A", None, false));
        assert!(world.check_message_id(&ana, "A", one, false));
        assert!(kinds(&world).is_empty());
        assert!(world.check_message_id(&ana, "A", other, false));
        assert_eq!(kinds(&world), ["message-id-reused"]);
    }

    #[test]
    fn chain_keys_round_trip() {
        let (from, to) = (Addr::new("1", 2), Addr::phone("3"));
        let key = chain_key(&from, &to, &Key32([9; 32]), 77);
        let (a, b, ratchet, counter) = parse_chain_key(&key).expect("parse");
        assert_eq!((a, b, counter), (from, to, 77));
        assert!(ratchet == Key32([9; 32]));
        assert!(parse_chain_key("nonsense").is_none());
    }
}
