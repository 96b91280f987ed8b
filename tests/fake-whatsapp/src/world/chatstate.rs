//! Typing and recording. Never queued: only devices in use hear of it.
//!
//! Shapes: `wacore/src/iq/chatstate.rs`.

use serde_json::json;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, JidExt as _, Node, NodeRef};

use crate::addr::Addr;
use crate::error::Error;
use crate::nodes::{attr, children, jid_attr};
use crate::world::World;
use crate::world::notices::Notice;

/// What somebody does in a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Typing {
    /// Types a text.
    Composing,
    /// Records a voice message.
    Recording,
    /// Stopped.
    Paused,
}

impl Typing {
    fn name(self) -> &'static str {
        match self {
            Self::Composing => "composing",
            Self::Recording => "recording",
            Self::Paused => "paused",
        }
    }

    fn node(self) -> Node {
        match self {
            Self::Composing => NodeBuilder::new("composing").build(),
            Self::Recording => NodeBuilder::new("composing").attr("media", "audio").build(),
            Self::Paused => NodeBuilder::new("paused").build(),
        }
    }

    fn read(node: &NodeRef<'_>) -> Option<Self> {
        let child = children(node).first()?;
        match child.tag.as_ref() {
            "composing" if attr(child, "media").as_deref() == Some("audio") => {
                Some(Self::Recording)
            }
            "composing" => Some(Self::Composing),
            "paused" => Some(Self::Paused),
            _ => None,
        }
    }
}

impl World {
    /// A companion's `<chatstate>`.
    pub(crate) fn chatstate(&mut self, addr: &Addr, node: &NodeRef<'_>) {
        let (Some(to), Some(typing)) = (jid_attr(node, "to"), Typing::read(node)) else {
            return self.break_rule(
                "chatstate-malformed",
                format!("{addr} sent a chatstate without a receiver or a known state"),
            );
        };
        let details = json!({"to": to.to_string(), "state": typing.name()});
        self.seen.add("chatstate", Some(addr), details);
        self.tell_typing(&addr.phone, &to, typing);
    }

    /// A person types on a simulated phone. `to` is a number, or the JID of a group.
    pub(crate) fn phone_types(
        &mut self,
        phone: &str,
        to: &str,
        typing: Typing,
    ) -> Result<(), Error> {
        self.account(phone)?;
        let to = if to.contains('@') {
            to.parse()
                .map_err(|_| Error::BadRequest(format!("{to:?} is not a JID")))?
        } else {
            self.account(to)?;
            if self.lid_migrated(phone) {
                self.account(to)?.lid(0)
            } else {
                Jid::pn(to)
            }
        };
        self.tell_typing(phone, &to, typing);
        Ok(())
    }

    fn tell_typing(&mut self, from: &str, to: &Jid, typing: Typing) {
        if to.is_group() {
            return self.tell_group_typing(from, to, typing);
        }
        let Some(to_phone) = self.resolve(to).map(|addr| addr.phone) else {
            return;
        };
        if self.blocked_between(from, &to_phone) || !self.exists(&to_phone) {
            return;
        }
        let Ok(sender) = self.account(from) else {
            return;
        };
        let jid = if to.is_lid() {
            sender.lid(0)
        } else {
            sender.jid(0)
        };
        let stanza = NodeBuilder::new("chatstate")
            .attr("from", jid)
            .children([typing.node()])
            .build();
        self.show_typing(&to_phone, from, &stanza, typing, None);
    }

    fn tell_group_typing(&mut self, from: &str, jid: &Jid, typing: Typing) {
        let Some(group) = self.group(jid).filter(|group| group.has(from)).cloned() else {
            return;
        };
        let Some((participant, _)) = self.group_names(group.addressing, from) else {
            return;
        };
        let stanza = NodeBuilder::new("chatstate")
            .attr("from", jid)
            .attr("participant", participant)
            .children([typing.node()])
            .build();
        for member in group.members.keys().filter(|member| *member != from) {
            self.show_typing(member, from, &stanza, typing, Some(jid.to_string()));
        }
    }

    /// Shows a typing notice on the devices of one account that are in use.
    fn show_typing(
        &mut self,
        to: &str,
        from: &str,
        stanza: &Node,
        typing: Typing,
        group: Option<String>,
    ) {
        let Ok(account) = self.account(to) else {
            return;
        };
        let in_use: Vec<_> = account
            .addrs()
            .into_iter()
            .filter(|addr| self.presences.is_available(addr))
            .collect();
        for addr in in_use {
            if addr.device == 0 {
                let notice = Notice::typing(from, typing.name(), group.clone());
                self.phone_noticed(to, notice);
            } else if let Some(conn) = self.conn_of(&addr) {
                self.send(conn, stanza);
            }
        }
    }
}
