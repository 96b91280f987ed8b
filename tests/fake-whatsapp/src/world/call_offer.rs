//! The offer of a call, with a key for its sound that only the rung device can read.
//!
//! Order of the children: `build_offer` in `wacore/src/stanza/call.rs`.

use buffa::MessageField;
use wacore::stanza::call::{CAPABILITY_OFFER, CAPABILITY_VIDEO_OFFER, DEFAULT_AUDIO_RATES};
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use waproto::whatsapp as wa;

use crate::addr::Addr;
use crate::error::Error;
use crate::nodes::server_id;
use crate::phone::content::padded;
use crate::world::World;
use crate::world::calls::Call;

const CALL_KEY_BYTES: usize = 32;

impl World {
    /// Rings one companion.
    pub(crate) fn ring(&mut self, call_id: &str, companion: &Addr) -> Result<(), Error> {
        let mut call = self.call_of(call_id)?;
        let (enc_type, key) = self.encrypt_call_key(&Addr::phone(call.from.as_str()), companion)?;
        let offer = self.offer(&call, enc_type, key)?;
        let id = server_id();
        call.devices
            .entry(companion.device)
            .or_default()
            .stanza_id
            .clone_from(&id);
        let node = self.call_stanza(&call, &id, offer);
        let from = call.creator();
        self.keep_call(call);
        self.deliver_to(companion, "call", &id, &from, &node);
        Ok(())
    }

    fn offer(&self, call: &Call, enc_type: &'static str, key: Vec<u8>) -> Result<Node, Error> {
        let caller = self.account(&call.from)?;
        let mut content: Vec<Node> = DEFAULT_AUDIO_RATES
            .iter()
            .map(|rate| {
                NodeBuilder::new("audio")
                    .attr("enc", "opus")
                    .attr("rate", *rate)
                    .build()
            })
            .collect();
        if call.video {
            content.push(
                NodeBuilder::new("video")
                    .attr("enc", "h264")
                    .attr("dec", "h264")
                    .attr("orientation", "0")
                    .attr("device_orientation", "0")
                    .build(),
            );
        }
        let capability = if call.video {
            CAPABILITY_VIDEO_OFFER
        } else {
            CAPABILITY_OFFER
        };
        content.extend([
            NodeBuilder::new("net").attr("medium", "3").build(),
            NodeBuilder::new("capability")
                .attr("ver", "1")
                .bytes(capability.to_vec())
                .build(),
            NodeBuilder::new("enc")
                .attr("v", "2")
                .attr("type", enc_type)
                .attr("count", "0")
                .bytes(key)
                .build(),
            NodeBuilder::new("encopt").attr("keygen", "2").build(),
        ]);
        Ok(NodeBuilder::new("offer")
            .attr("call-id", call.id.as_str())
            .attr("call-creator", call.creator())
            .attr("caller_pn", caller.jid(0))
            .attr("device_class", "2016")
            .attr("joinable", "0")
            .children(content)
            .build())
    }

    fn encrypt_call_key(
        &mut self,
        from: &Addr,
        to: &Addr,
    ) -> Result<(&'static str, Vec<u8>), Error> {
        let message = wa::Message {
            call: MessageField::some(wa::message::Call {
                call_key: Some(rand::random::<[u8; CALL_KEY_BYTES]>().to_vec()),
                ..Default::default()
            }),
            ..Default::default()
        };
        let bundle = if self.account(&from.phone)?.phone.has_session(to) {
            None
        } else {
            self.take_companion_bundle(to)
        };
        let Some(account) = self.accounts.get_mut(&from.phone) else {
            return Err(Error::missing(format!("no account {}", from.phone)));
        };
        if let Some(bundle) = bundle {
            account.phone.start_session(to, &bundle)?;
        }
        let encrypted = account.phone.encrypt(to, &padded(&message))?;
        account.phone.save(&from.phone, &mut self.store);
        Ok(encrypted)
    }
}
