//! What the outside of a stanza tells about the message inside
//! (`wacore/src/send/classify.rs`, `whatsapp-rust/src/send/mod.rs`).

use wacore::send::{
    media_type_from_message, should_hide_decrypt_fail_for_send, stanza_type_from_message,
};
use wacore::types::message::EditAttribute;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node};
use waproto::whatsapp as wa;

use crate::time::now_secs;

/// Attributes and children that follow from the message.
#[derive(Default)]
pub(crate) struct Envelope {
    kind: Option<&'static str>,
    edit: Option<String>,
    media: Option<&'static str>,
    /// A reader that cannot decrypt shows nothing.
    hide: bool,
    poll: Option<&'static str>,
}

impl Envelope {
    /// The envelope of a message.
    pub(crate) fn of(message: &wa::Message) -> Self {
        let edit = EditAttribute::infer_from_message(message);
        let creation = message.poll_creation_message.is_set()
            || message.poll_creation_message_v2.is_set()
            || message.poll_creation_message_v3.is_set();
        Self {
            kind: Some(stanza_type_from_message(message)),
            hide: should_hide_decrypt_fail_for_send(edit.as_ref(), message),
            edit: edit
                .filter(|edit| *edit != EditAttribute::Empty)
                .map(|edit| edit.to_string_val().to_string()),
            media: media_type_from_message(message),
            poll: if creation {
                Some("creation")
            } else if message.poll_update_message.is_set() {
                Some("vote")
            } else {
                None
            },
        }
    }

    /// `<message>` with what is the same for every receiver.
    pub(crate) fn stanza(&self, from: &Jid, id: &str, name: &str) -> NodeBuilder {
        let stanza = NodeBuilder::new("message")
            .attr("from", from)
            .attr("id", id)
            .attr("type", self.kind.unwrap_or("text"))
            .attr("t", now_secs().to_string())
            .attr("notify", name);
        match &self.edit {
            Some(edit) => stanza.attr("edit", edit.as_str()),
            None => stanza,
        }
    }

    /// `<enc>`. `retry` is the count of a resend.
    pub(crate) fn enc(&self, enc_type: &str, bytes: Vec<u8>, retry: Option<&str>) -> Node {
        let mut enc = NodeBuilder::new("enc")
            .attr("v", "2")
            .attr("type", enc_type);
        if let Some(media) = self.media {
            enc = enc.attr("mediatype", media);
        }
        if self.hide {
            enc = enc.attr("decrypt-fail", "hide");
        }
        if let Some(count) = retry {
            enc = enc.attr("count", count);
        }
        enc.bytes(bytes).build()
    }

    /// The copies, and what stands beside them.
    pub(crate) fn children(&self, copies: impl IntoIterator<Item = Node>) -> Vec<Node> {
        let mut children: Vec<_> = copies.into_iter().collect();
        if let Some(poll) = self.poll {
            children.push(NodeBuilder::new("meta").attr("polltype", poll).build());
        }
        children
    }
}
