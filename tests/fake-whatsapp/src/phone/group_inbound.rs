//! What a simulated phone does with what it gets in a group.

use wacore_binary::Jid;
use wacore_binary::builder::NodeBuilder;

use super::content::Content;
use super::held::Arrival;
use crate::addr::Addr;
use crate::error::Error;
use crate::groups::Group;
use crate::groups::access::{Denied, NOT_FOUND};
use crate::time::now_secs;
use crate::world::World;

impl World {
    /// Takes a sender key out of a message, if there is one for this group.
    pub(crate) fn phone_learns_key(
        &mut self,
        phone: &Addr,
        from: &Addr,
        group: &Jid,
        content: &Content,
    ) -> Result<(), Error> {
        let given = content.message.sender_key_distribution_message.as_option();
        let Some(given) = given else {
            return Ok(());
        };
        let chat = group.to_string();
        if given.group_id.as_deref() != Some(chat.as_str()) {
            return Err(Error::Wire("a sender key for another group"));
        }
        let Some(bytes) = &given.axolotl_sender_key_distribution_message else {
            return Err(Error::Wire("a distribution message without a key"));
        };
        let account = self.account_mut(&phone.phone)?;
        account.phone.learn_sender_key(&chat, from, bytes)?;
        self.save_phone(&phone.phone);
        Ok(())
    }

    /// Decrypts an `skmsg` for a phone.
    pub(crate) fn phone_opens_shared(
        &mut self,
        phone: &str,
        from: &Addr,
        group: &Jid,
        bytes: &[u8],
    ) -> Result<Content, Error> {
        let account = self.account_mut(phone)?;
        let opened = account
            .phone
            .decrypt_from_group(&group.to_string(), from, bytes);
        self.save_phone(phone);
        Content::decode(&opened?)
    }

    /// The phone has a message of a group: inbox and receipt.
    pub(crate) fn phone_got_in_group(
        &mut self,
        phone: &str,
        from: &Addr,
        group: &Group,
        id: &str,
        content: &Content,
    ) {
        let chat = group.jid().to_string();
        let arrival = Arrival {
            id,
            chat: &chat,
            sender: &from.phone,
            message: &content.message,
        };
        self.phone_holds(phone, &arrival);
        if from.phone != phone && !self.config.phones_without_receipts {
            self.group_receipt_from(&Addr::phone(phone), from, group, id, None, Vec::new());
        }
    }

    /// A person reads messages of a group on a phone. The companions of those who wrote them
    /// are told.
    pub(crate) fn phone_reads_in_group(
        &mut self,
        phone: &str,
        jid: &Jid,
        ids: &[String],
    ) -> Result<(), Denied> {
        let group = self.group_as_member(jid, phone)?.clone();
        let chat = jid.to_string();
        let reader = Addr::phone(phone);
        for id in ids {
            let account = self.accounts.get(phone).ok_or(NOT_FOUND)?;
            let index = self.index_of(phone, &chat, Some(id)).ok_or(NOT_FOUND)?;
            let item = account.inbox.get(index).filter(|item| !item.from_me);
            let author = item.map(|item| item.sender(phone).to_owned());
            let author = author.filter(|author| group.has(author));
            let companions: Vec<_> = author
                .and_then(|author| self.accounts.get(&author))
                .map(|author| author.addrs())
                .unwrap_or_default();
            for to in companions.iter().filter(|addr| addr.device != 0) {
                self.group_receipt_from(&reader, to, &group, id, Some("read"), Vec::new());
            }
        }
        Ok(())
    }

    /// Queues a receipt for a message of a group (`whatsapp-rust/src/receipt.rs`,
    /// `handle_receipt_inline`).
    pub(crate) fn group_receipt_from(
        &mut self,
        reader: &Addr,
        to: &Addr,
        group: &Group,
        id: &str,
        kind: Option<&str>,
        content: Vec<wacore_binary::Node>,
    ) {
        let jid = group.jid();
        let receipt = NodeBuilder::new("receipt")
            .attr("from", &jid)
            .attr("id", id)
            .attr("t", now_secs().to_string());
        let mut receipt = self.with_group_sender(receipt, group, reader);
        if let Some(kind) = kind {
            receipt = receipt.attr("type", kind);
        }
        let receipt = if content.is_empty() {
            receipt.build()
        } else {
            receipt.children(content).build()
        };
        self.deliver_to(to, "receipt", id, &jid, &receipt);
    }

    /// The phone could not decrypt: it asks the sending device for the message again.
    pub(crate) fn phone_asks_again_in_group(
        &mut self,
        phone: &Addr,
        to: &Addr,
        group: &Group,
        id: &str,
    ) {
        if let Some(content) = self.retry_content(phone, id) {
            self.group_receipt_from(phone, to, group, id, Some("retry"), content);
        }
    }
}
