//! The world as it was before the process ended.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use buffa::Message as _;
use serde::de::DeserializeOwned;
use waproto::whatsapp::SyncdPatch;

use crate::addr::Addr;
use crate::app_state::keys::SyncKeys;
use crate::config::Config;
use crate::error::Error;
use crate::keys::Key32;
use crate::seen::Seen;
use crate::store::{Bucket, Row, Store};
use crate::wire::noise::ServerIdentity;
use crate::world::World;
use crate::world::account::{Account, AccountRow};
use crate::world::device::{ChainUse, Device};
use crate::world::rules::parse_chain_key;

const SERVER_KEY: &str = "noise";

/// Reads everything. Draws the server's key on the first start.
pub(crate) fn load(mut store: Store) -> Result<(World, ServerIdentity), Error> {
    let identity = server_identity(&mut store)?;
    let media = super::media::media_host(&mut store)?;
    let mut world = World {
        store,
        accounts: BTreeMap::new(),
        lids: HashMap::new(),
        groups: BTreeMap::new(),
        old_invites: Default::default(),
        conns: HashMap::new(),
        live: HashMap::new(),
        troubles: Vec::new(),
        absent: Default::default(),
        silenced: Default::default(),
        presences: Default::default(),
        notices: HashMap::new(),
        tokens: HashMap::new(),
        calls: BTreeMap::new(),
        config: Config::default(),
        media: Arc::new(media),
        pictures: HashMap::new(),
        seen: Seen::default(),
        out: Vec::new(),
        next_conn: 0,
    };
    world.load_accounts()?;
    world.load_devices()?;
    world.load_chains()?;
    for row in world.store.rows(Bucket::Group)? {
        let group = json(&row)?;
        world.groups.insert(row.key, group);
    }
    for row in world.store.rows(Bucket::OldInvite)? {
        world.old_invites.insert(row.key);
    }
    for row in world.store.rows(Bucket::Absent)? {
        world.absent.insert(row.key);
    }
    for row in world.store.rows(Bucket::Trouble)? {
        world.troubles = json(&row)?;
    }
    for row in world.store.rows(Bucket::Picture)? {
        let picture = json(&row)?;
        world.pictures.insert(row.key, picture);
    }
    for row in world.store.rows(Bucket::Token)? {
        let token = json(&row)?;
        world.tokens.insert(row.key, token);
    }
    for row in world.store.rows(Bucket::Call)? {
        let call = json(&row)?;
        world.calls.insert(row.key, call);
    }
    for row in world.store.rows(Bucket::Violation)? {
        world.seen.violations.push(json(&row)?);
    }
    Ok((world, identity))
}

fn server_identity(store: &mut Store) -> Result<ServerIdentity, Error> {
    let stored = store
        .rows(Bucket::Server)?
        .into_iter()
        .find(|row| row.key == SERVER_KEY);
    let private: Key32 = match stored {
        Some(row) => json(&row)?,
        None => {
            let private = crate::keys::StoredPair::generate().private;
            store.put(Bucket::Server, SERVER_KEY.to_owned(), &private);
            store.commit()?;
            private
        }
    };
    ServerIdentity::from_private(&private.0)
}

impl World {
    fn load_accounts(&mut self) -> Result<(), Error> {
        for row in self.store.rows(Bucket::Account)? {
            let account: AccountRow = json(&row)?;
            self.lids.insert(account.lid.clone(), row.key.clone());
            self.accounts.insert(row.key, Account::new(account)?);
        }
        for row in self.store.rows(Bucket::Social)? {
            let social = json(&row)?;
            self.account_mut(&row.key)?.social = social;
        }
        for bucket in [
            Bucket::Session,
            Bucket::Identity,
            Bucket::OneTime,
            Bucket::Consumed,
            Bucket::SenderKey,
            Bucket::SenderKeyGiven,
        ] {
            for row in self.store.rows(bucket)? {
                let (phone, rest) = split(&row.key)?;
                self.account_mut(phone)?
                    .phone
                    .load(bucket, rest, &row.value)?;
            }
        }
        for row in self.store.rows(Bucket::Inbox)? {
            let item = json(&row)?;
            self.account_mut(split(&row.key)?.0)?.inbox.push(item);
        }
        for row in self.store.rows(Bucket::MessageSecret)? {
            let (phone, message) = split(&row.key)?;
            let secret = json(&row)?;
            let secrets = &mut self.account_mut(phone)?.secrets;
            secrets.insert(message.to_owned(), secret);
        }
        for row in self.store.rows(Bucket::Outbox)? {
            let (phone, id) = split(&row.key)?;
            let item = json(&row)?;
            self.account_mut(phone)?.outbox.insert(id.to_owned(), item);
        }
        for row in self.store.rows(Bucket::Known)? {
            let (phone, id) = split(&row.key)?;
            self.account_mut(phone)?.known.insert(id.to_owned());
        }
        for row in self.store.rows(Bucket::Peer)? {
            let (phone, peer) = split(&row.key)?;
            self.account_mut(phone)?.peers.insert(peer.to_owned());
        }
        for row in self.store.rows(Bucket::File)? {
            let (phone, id) = split(&row.key)?;
            let file = json(&row)?;
            self.account_mut(phone)?.files.insert(id.to_owned(), file);
        }
        for row in self.store.rows(Bucket::OldMessage)? {
            let item = json(&row)?;
            self.account_mut(split(&row.key)?.0)?
                .old_messages
                .push(item);
        }
        for row in self.store.rows(Bucket::About)? {
            let about = json(&row)?;
            self.account_mut(split(&row.key)?.0)?.about = Some(about);
        }
        for row in self.store.rows(Bucket::Patch)? {
            let (phone, rest) = split(&row.key)?;
            let (collection, _) = split(rest)?;
            let patch = SyncdPatch::decode_from_slice(&row.value).map_err(Error::proto)?;
            let account = self.account_mut(phone)?;
            let keys = SyncKeys::of(&account.row);
            account
                .app_state
                .entry(collection)
                .add(collection, patch, &keys)?;
        }
        Ok(())
    }

    fn load_devices(&mut self) -> Result<(), Error> {
        for row in self.store.rows(Bucket::Device)? {
            let addr = addr(&row.key)?;
            let device = Device::new(json(&row)?);
            self.account_mut(&addr.phone)?
                .devices
                .insert(addr.device, device);
        }
        for row in self.store.rows(Bucket::Prekey)? {
            let (who, id) = split(&row.key)?;
            let id = id.parse().map_err(|_| Error::Corrupt(row.key.clone()))?;
            let key = json(&row)?;
            if let Some(device) = self.device_mut(&addr(who)?) {
                device.prekeys.insert(id, key);
            }
        }
        for row in self.store.rows(Bucket::Queue)? {
            let (who, n) = split(&row.key)?;
            let n = n.parse().map_err(|_| Error::Corrupt(row.key.clone()))?;
            let item = json(&row)?;
            if let Some(device) = self.device_mut(&addr(who)?) {
                device.queue.restore(n, item);
            }
        }
        for row in self.store.rows(Bucket::Delivered)? {
            let (who, what) = split(&row.key)?;
            if let Some(device) = self.device_mut(&addr(who)?) {
                device.delivered.insert(what.to_owned());
            }
        }
        for row in self.store.rows(Bucket::Synced)? {
            if let Some(device) = self.device_mut(&addr(&row.key)?) {
                device.history_sent = true;
            }
        }
        for row in self.store.rows(Bucket::GroupChain)? {
            let (who, group) = split(&row.key)?;
            let chain = json(&row)?;
            if let Some(device) = self.device_mut(&addr(who)?) {
                device.group_chains.insert(group.to_owned(), chain);
            }
        }
        for row in self.store.rows(Bucket::Sent)? {
            let (who, id) = split(&row.key)?;
            let sent = json(&row)?;
            if let Some(device) = self.device_mut(&addr(who)?) {
                device.sent.insert(id.to_owned(), sent);
            }
        }
        Ok(())
    }

    fn load_chains(&mut self) -> Result<(), Error> {
        for row in self.store.rows(Bucket::Chain)? {
            let (from, to, ratchet, counter) =
                parse_chain_key(&row.key).ok_or_else(|| Error::Corrupt(row.key.clone()))?;
            let used: ChainUse = json(&row)?;
            let Some(device) = self.device_mut(&from) else {
                continue;
            };
            let chain = device.chains.entry((to, ratchet)).or_default();
            if used.login >= chain.login && counter >= chain.highest {
                chain.login = used.login;
            }
            chain.highest = chain.highest.max(counter);
            chain.counters.insert(counter, used);
        }
        Ok(())
    }
}

/// A row's value.
pub(super) fn json<T: DeserializeOwned>(row: &Row) -> Result<T, Error> {
    serde_json::from_slice(&row.value)
        .map_err(|error| Error::Corrupt(format!("{}: {error}", row.key)))
}

fn split(key: &str) -> Result<(&str, &str), Error> {
    key.split_once('/')
        .ok_or_else(|| Error::Corrupt(key.to_owned()))
}

fn addr(key: &str) -> Result<Addr, Error> {
    key.parse().map_err(|()| Error::Corrupt(key.to_owned()))
}
