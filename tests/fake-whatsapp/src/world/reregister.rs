//! A person installs WhatsApp anew, or takes another number.
//!
//! Shapes: `whatsapp-rust/src/handlers/notification/device.rs` (`handle_identity_change`) and
//! `whatsapp-rust/src/handlers/notification/profile.rs` (`<modify>`).

use serde_json::json;
use wacore_binary::Jid;
use wacore_binary::builder::NodeBuilder;

use crate::addr::Addr;
use crate::error::Error;
use crate::nodes::notification;
use crate::phone::{Phone, PhoneKeys};
use crate::store::Bucket;
use crate::world::World;
use crate::world::accounts::checked_number;
use crate::world::changes::Audience;

impl World {
    /// The phone is installed anew: new keys, no companions. Whoever wrote with the account
    /// is told. Returns how many companions were unlinked.
    pub(crate) fn reregister(&mut self, phone: &str) -> Result<usize, Error> {
        let removed = self.logout(phone)?;
        self.forget_phone_keys(phone)?;
        let keys = PhoneKeys::generate()?;
        let account = self.account_mut(phone)?;
        account.row.keys = keys.clone();
        account.row.adv_raw_id = rand::random::<u32>() >> 1;
        account.phone = Phone::new(keys)?;
        self.save_account(phone);
        self.seen
            .add("reregistered", Some(&Addr::phone(phone)), json!({}));
        let lid = self.account(phone)?.lid(0);
        let identity = NodeBuilder::new("identity").build();
        self.tell_peers(phone, Audience::Everybody, |from, id| {
            notification(from, "encrypt", id)
                .attr("lid", &lid)
                .children([identity.clone()])
                .build()
        });
        Ok(removed)
    }

    fn forget_phone_keys(&mut self, phone: &str) -> Result<(), Error> {
        let old = &self.account(phone)?.phone;
        let mut rows: Vec<(Bucket, String)> = Vec::new();
        rows.extend(
            old.sessions
                .records
                .keys()
                .map(|peer| (Bucket::Session, peer.clone())),
        );
        rows.extend(
            old.identities
                .peers
                .keys()
                .map(|peer| (Bucket::Identity, peer.clone())),
        );
        rows.extend(
            old.one_time
                .waiting
                .keys()
                .map(|id| (Bucket::OneTime, id.to_string())),
        );
        rows.extend(
            old.one_time
                .consumed
                .keys()
                .map(|id| (Bucket::Consumed, id.to_string())),
        );
        let sender_keys = &old.sender_keys;
        rows.extend(
            sender_keys
                .records
                .keys()
                .map(|name| (Bucket::SenderKey, name.clone())),
        );
        for (group, devices) in &sender_keys.given {
            rows.extend(
                devices
                    .iter()
                    .map(|device| (Bucket::SenderKeyGiven, format!("{group}/{device}"))),
            );
        }
        for (bucket, key) in rows {
            self.store.delete(bucket, format!("{phone}/{key}"));
        }
        Ok(())
    }

    /// The person moves to another number, as a new account. The old number leaves WhatsApp.
    pub(crate) fn change_number(&mut self, old: &str, new: &str) -> Result<(), Error> {
        let new = checked_number(new)?;
        if self.accounts.contains_key(&new) {
            return Err(Error::BadRequest(format!("{new} has an account already")));
        }
        let name = self.account(old)?.row.name.clone();
        let social = self.account(old)?.social.clone();
        self.ensure_account(&new, &name)?;
        self.change_social(&new, |own| *own = social)?;
        let names = |world: &Self, phone: &str| -> Result<(Jid, Jid), Error> {
            let account = world.account(phone)?;
            Ok((account.jid(0), account.lid(0)))
        };
        let ((old_pn, old_lid), (new_pn, new_lid)) = (names(self, old)?, names(self, &new)?);
        let modify = NodeBuilder::new("modify")
            .attr("old", old_pn)
            .attr("new", new_pn)
            .attr("old_lid", old_lid)
            .attr("new_lid", new_lid)
            .build();
        self.tell_peers(old, Audience::Everybody, |from, id| {
            notification(from, "contacts", id)
                .children([modify.clone()])
                .build()
        });
        self.logout(old)?;
        self.set_absent(old)
    }
}
