//! What a simulated phone does with what it gets.

use wacore::iq::prekeys::{OneTimePreKeyNode, SignedPreKeyNode};
use wacore::protocol::ProtocolNode as _;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node};

use super::cipher::Parsed;
use super::content::Content;
use super::held::Arrival;
use super::keyshare::asks_for_key;
use crate::addr::Addr;
use crate::error::Error;
use crate::time::now_secs;
use crate::world::World;

impl World {
    /// Decrypts for the phone `to`.
    pub(crate) fn phone_opens(
        &mut self,
        to: &Addr,
        from: &Addr,
        parsed: Parsed,
    ) -> Result<Content, Error> {
        let account = self
            .accounts
            .get_mut(&to.phone)
            .ok_or_else(|| Error::missing(format!("no account {}", to.phone)))?;
        let opened = account.phone.decrypt(from, parsed);
        account.phone.save(&to.phone, &mut self.store);
        let opened = opened?;
        if let Some(id) = opened.consumed {
            account.phone.save_consumed(&to.phone, id, &mut self.store);
        }
        Content::decode(&opened.plaintext)
    }

    /// The phone has a message: inbox, receipt, and what else it calls for.
    ///
    /// `by_lid` says that the message was addressed by LID: so is the receipt.
    pub(crate) fn phone_got(
        &mut self,
        to: &Addr,
        from: &Addr,
        id: &str,
        content: &Content,
        by_lid: bool,
    ) {
        if asks_for_key(&content.message) && from.phone == to.phone {
            return self.share_sync_key(from);
        }
        let own = from.phone == to.phone;
        let other = match &content.destination {
            Some(jid) if own => jid
                .parse()
                .ok()
                .and_then(|jid: Jid| self.resolve(&jid))
                .map_or_else(|| jid.clone(), |addr| addr.phone),
            _ => from.phone.clone(),
        };
        let arrival = Arrival {
            id,
            chat: &other,
            sender: &from.phone,
            message: &content.message,
        };
        self.phone_holds(&to.phone, &arrival);
        let chat = own.then_some(other.as_str());
        self.phone_receipt(to, from, id, chat, by_lid);
        self.echo(to, from, content);
    }

    fn echo(&mut self, to: &Addr, from: &Addr, content: &Content) {
        let echoes = self
            .account(&to.phone)
            .is_ok_and(|account| account.row.echo);
        if !echoes || from.phone == to.phone {
            return;
        }
        if let Some(text) = content.text() {
            let answer = format!("echo: {text}");
            if let Err(error) = self.phone_says(&to.phone, &from.phone, &answer, None) {
                tracing::warn!(%error, "echo failed");
            }
        }
    }

    /// The phone has a message. `chat` is where an own device sent it.
    fn phone_receipt(
        &mut self,
        phone: &Addr,
        to: &Addr,
        id: &str,
        chat: Option<&str>,
        by_lid: bool,
    ) {
        if self.config.phones_without_receipts {
            return;
        }
        let jid = self.name_of(&phone.phone, by_lid);
        let mut receipt = NodeBuilder::new("receipt")
            .attr("from", &jid)
            .attr("id", id)
            .attr("t", now_secs().to_string());
        if let Some(chat) = chat {
            receipt = receipt
                .attr("type", "sender")
                .attr("recipient", self.name_of(chat, by_lid));
        }
        self.deliver_to(to, "receipt", id, &jid, &receipt.build());
    }

    /// The phone could not decrypt: it asks for the message again, with a fresh bundle
    /// (`wacore/src/protocol/retry.rs`).
    pub(crate) fn phone_asks_again(&mut self, phone: &Addr, to: &Addr, id: &str, chat: &Jid) {
        let Some(content) = self.retry_content(phone, id) else {
            return;
        };
        let jid = self.name_of(&phone.phone, chat.is_lid());
        let mut receipt = NodeBuilder::new("receipt")
            .attr("from", &jid)
            .attr("id", id)
            .attr("type", "retry")
            .attr("t", now_secs().to_string());
        if phone.phone == to.phone {
            receipt = receipt.attr("recipient", chat.to_non_ad());
        }
        let node = receipt.children(content).build();
        self.deliver_to(to, "receipt", id, &jid, &node);
    }

    /// `<retry>` with a fresh bundle of the phone.
    pub(super) fn retry_content(&mut self, phone: &Addr, id: &str) -> Option<Vec<Node>> {
        let account = self.accounts.get_mut(&phone.phone)?;
        let bundle = account.phone.take_bundle();
        account.phone.save(&phone.phone, &mut self.store);
        let retry = NodeBuilder::new("retry")
            .attr("v", "1")
            .attr("count", "1")
            .attr("id", id)
            .attr("t", now_secs().to_string())
            .build();
        let registration = NodeBuilder::new("registration")
            .bytes(bundle.registration_id.to_be_bytes().to_vec())
            .build();
        let keys = NodeBuilder::new("keys")
            .children([
                NodeBuilder::new("type").bytes(vec![5]).build(),
                NodeBuilder::new("identity")
                    .bytes(bundle.identity.0.to_vec())
                    .build(),
                OneTimePreKeyNode::new(bundle.one_time.0, bundle.one_time.1.0.to_vec()).into_node(),
                SignedPreKeyNode::new(
                    bundle.signed_prekey.id,
                    bundle.signed_prekey.public.0.to_vec(),
                    bundle.signed_prekey.signature,
                )
                .into_node(),
            ])
            .build();
        Some(vec![retry, registration, keys])
    }
}
