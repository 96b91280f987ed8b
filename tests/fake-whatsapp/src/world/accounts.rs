//! Making accounts, linking and unlinking devices, and telling others about it.

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use crate::addr::Addr;
use crate::error::Error;
use crate::keys::Key32;
use crate::nodes::{notification, stream_conflict};
use crate::pairing::adv::key_index_list;
use crate::phone::PhoneKeys;
use crate::store::Bucket;
use crate::time::now_secs;
use crate::world::World;
use crate::world::account::{Account, AccountRow};
use crate::world::changes::Audience;

/// Numbers for accounts that were made without one.
const FIRST_FREE_NUMBER: u64 = 5_511_999_990_001;
/// LIDs have fifteen digits and say nothing about the phone number.
const FIRST_LID: u64 = 200_000_000_000_001;
/// The stream error of a device that the phone unlinked.
const DEVICE_REMOVED: u16 = 401;

impl World {
    /// The account for a phone number; a new one when it does not exist.
    pub(crate) fn ensure_account(&mut self, phone: &str, name: &str) -> Result<(), Error> {
        let phone = checked_number(phone)?;
        if self.accounts.contains_key(&phone) {
            return Ok(());
        }
        let lid = (FIRST_LID + self.accounts.len() as u64).to_string();
        let row = AccountRow {
            phone: phone.clone(),
            lid: lid.clone(),
            name: name.to_owned(),
            echo: false,
            created: now_secs(),
            next_device: 1,
            adv_raw_id: rand::random::<u32>() >> 1,
            keys: PhoneKeys::generate()?,
            sync_key_id: rand::random::<[u8; 6]>().to_vec(),
            sync_key: Key32(rand::random()),
            newer_sync_keys: Vec::new(),
        };
        self.lids.insert(lid, phone.clone());
        self.accounts.insert(phone.clone(), Account::new(row)?);
        self.save_account(&phone);
        self.write_push_name(&phone)
    }

    /// The account of a phone that links a device.
    pub(crate) fn account_for_link(
        &mut self,
        phone: Option<&str>,
        name: Option<&str>,
    ) -> Result<String, Error> {
        let phone = match phone {
            Some(phone) => checked_number(phone)?,
            None => self.free_number(),
        };
        let default_name = format!(
            "Phone {}",
            phone.get(phone.len().saturating_sub(4)..).unwrap_or(&phone)
        );
        self.ensure_account(&phone, name.unwrap_or(&default_name))?;
        Ok(phone)
    }

    fn free_number(&self) -> String {
        let mut number = FIRST_FREE_NUMBER;
        while self.accounts.contains_key(&number.to_string()) {
            number += 1;
        }
        number.to_string()
    }

    /// Writes the fixed part of an account.
    pub(crate) fn save_account(&mut self, phone: &str) {
        if let Some(account) = self.accounts.get(phone) {
            self.store
                .put(Bucket::Account, phone.to_owned(), &account.row);
        }
    }

    /// Writes the fixed part of a device.
    pub(crate) fn save_device(&mut self, addr: &Addr) {
        let Some(account) = self.accounts.get(&addr.phone) else {
            return;
        };
        match account.devices.get(&addr.device) {
            Some(device) => self
                .store
                .put(Bucket::Device, addr.to_string(), &device.row),
            None => self.store.delete(Bucket::Device, addr.to_string()),
        }
    }

    /// The phone unlinks all its companions.
    pub(crate) fn unlink_all(&mut self, phone: &str) -> Result<Vec<Addr>, Error> {
        let companions: Vec<_> = self
            .account(phone)?
            .addrs()
            .into_iter()
            .filter(|addr| addr.device != 0)
            .collect();
        for addr in &companions {
            self.unlink(addr);
        }
        Ok(companions)
    }

    /// Removes one companion. Its socket is told; a later login is refused.
    pub(crate) fn unlink(&mut self, addr: &Addr) {
        if let Some(conn) = self.conn_of(addr) {
            self.dismiss(
                conn,
                &stream_conflict("device_removed", Some(DEVICE_REMOVED)),
            );
        }
        let Some(account) = self.accounts.get_mut(&addr.phone) else {
            return;
        };
        let Some(device) = account.devices.remove(&addr.device) else {
            return;
        };
        for (id, _) in device.prekeys {
            self.store.delete(Bucket::Prekey, format!("{addr}/{id}"));
        }
        for (n, _) in device.queue.from(0) {
            self.store.delete(Bucket::Queue, queue_key(addr, n));
        }
        for what in device.delivered {
            self.store
                .delete(Bucket::Delivered, format!("{addr}/{what}"));
        }
        self.save_device(addr);
        self.announce_device(addr, false);
    }

    /// Tells the account's other companions and its correspondents that a device came or went.
    /// Companions get the whole list (`parse_account_sync_device_list` in
    /// `whatsapp-rust/src/handlers/notification/device.rs`), correspondents the change
    /// (`wacore/src/stanza/devices.rs`).
    pub(crate) fn announce_device(&mut self, addr: &Addr, added: bool) {
        if let Some(list) = self.own_device_list(&addr.phone) {
            self.tell_own_devices(addr, &list);
        }
        let Ok(account) = self.account(&addr.phone) else {
            return;
        };
        let lid = account.lid(0);
        let Ok(list) = self.key_index_node(&addr.phone, added) else {
            return;
        };
        let mut device = NodeBuilder::new("device").attr("jid", addr.jid());
        if added {
            device = device.attr("key-index", u32::from(addr.device));
        }
        let change = if added {
            NodeBuilder::new("add")
        } else {
            NodeBuilder::new("remove")
        }
        .children([device.build(), list])
        .build();
        self.tell_peers(&addr.phone, Audience::Everybody, |from, id| {
            notification(from, "devices", id)
                .attr("lid", &lid)
                .children([change.clone()])
                .build()
        });
    }

    fn own_device_list(&self, phone: &str) -> Option<Node> {
        let account = self.account(phone).ok()?;
        let mut devices: Vec<Node> = vec![
            NodeBuilder::new("device")
                .attr("jid", account.jid(0))
                .build(),
        ];
        for (id, device) in &account.devices {
            devices.push(
                NodeBuilder::new("device")
                    .attr("jid", account.jid(*id))
                    .attr("key-index", device.row.key_index.to_string())
                    .build(),
            );
        }
        devices.push(self.key_index_node(phone, true).ok()?);
        Some(
            NodeBuilder::new("devices")
                .attr("dhash", self.device_hash(phone)?)
                .children(devices)
                .build(),
        )
    }

    /// `<key-index-list>` of an account. The removal form has no content.
    pub(crate) fn key_index_node(&self, phone: &str, content: bool) -> Result<Node, Error> {
        let account = self.account(phone)?;
        let now = now_secs();
        let node = NodeBuilder::new("key-index-list").attr("ts", now.to_string());
        if !content {
            return Ok(node.build());
        }
        let indexes: Vec<_> = account
            .devices
            .values()
            .map(|device| device.row.key_index)
            .collect();
        let list = key_index_list(
            &account.row.keys.identity,
            account.row.adv_raw_id,
            now,
            &indexes,
        )?;
        Ok(node.bytes(list).build())
    }
}

/// Where a queued stanza is stored. The number sorts as text.
pub(crate) fn queue_key(addr: &Addr, n: u64) -> String {
    format!("{addr}/{n:020}")
}

/// Digits only, as many as phone numbers have.
pub(crate) fn checked_number(phone: &str) -> Result<String, Error> {
    let digits: String = phone.trim_start_matches('+').to_owned();
    if (5..=15).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit()) {
        Ok(digits)
    } else {
        Err(Error::BadRequest(format!(
            "{phone:?} is not a phone number"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits() {
        assert_eq!(
            checked_number("+5511999990001").ok().as_deref(),
            Some("5511999990001")
        );
        assert!(checked_number("ana").is_err());
        assert!(checked_number("").is_err());
    }
}
