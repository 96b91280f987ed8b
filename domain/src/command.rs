//! Commands: what the API asks the owner of an instance to do.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::MessageData;
use crate::ids::{CommandId, InstanceId};
use crate::jid::{MessageId, Recipient};
use crate::name::InstanceName;
use crate::time::UnixMs;

/// One command, as it travels in a shard's queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Identity and deduplication id.
    pub id: CommandId,
    /// Whom it is for.
    pub instance: InstanceId,
    /// The instance's name.
    pub name: InstanceName,
    /// After this moment it is answered with a time-out, never executed.
    pub not_after: UnixMs,
    /// Whether somebody waits for a reply row.
    pub reply: bool,
    /// What to do.
    pub op: Op,
}

impl Command {
    /// A nudge ([`Op::Reconcile`]) that nobody took for so long is worthless: owners reconcile
    /// by themselves.
    pub const NUDGE_TTL: Duration = Duration::from_secs(60);

    /// The group of the command in its shard's FIFO queue. Messages wait for the connection,
    /// in order; what changes the connection, or holds for the moment, must not wait behind
    /// them.
    #[must_use]
    pub fn group(&self) -> String {
        match self.op {
            Op::Reconcile | Op::Restart => format!("{}/wish", self.instance),
            Op::SetPresence { .. } => format!("{}/presence", self.instance),
            Op::SendText(_) => self.instance.to_string(),
        }
    }
}

/// What a command does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Op {
    /// Look at the instance's row and make it so.
    Reconcile,
    /// Drop the socket and open a new one.
    Restart,
    /// Have the account appear like this, until the connection ends.
    SetPresence {
        /// How.
        presence: OwnPresence,
    },
    /// Send a text.
    SendText(Box<SendText>),
}

/// How an account appears to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OwnPresence {
    /// Offline.
    Unavailable,
    /// Online.
    Available,
    /// Typing: shown in a chat, so without one it is shown to nobody.
    Composing,
    /// Recording, likewise.
    Recording,
    /// No longer typing, likewise.
    Paused,
}

impl OwnPresence {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 5] = [
        Self::Unavailable,
        Self::Available,
        Self::Composing,
        Self::Recording,
        Self::Paused,
    ];

    /// The name in bodies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Available => "available",
            Self::Composing => "composing",
            Self::Recording => "recording",
            Self::Paused => "paused",
        }
    }

    /// The presence with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

/// A text to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendText {
    /// To whom.
    pub to: Recipient,
    /// The text.
    pub text: String,
    /// The id it carries on WhatsApp, chosen by the API so that a retry repeats nothing.
    pub message_id: MessageId,
    /// Show "composing" for so long before sending.
    #[serde(default)]
    pub delay_ms: u32,
    /// The message that this one answers.
    #[serde(default)]
    pub quoted: Option<Quoted>,
    /// JIDs to mention.
    #[serde(default)]
    pub mentioned: Vec<String>,
}

/// A quoted message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quoted {
    /// Its id.
    pub id: MessageId,
    /// Its author's JID, when known.
    pub participant: Option<String>,
    /// Whether the instance's own account wrote it.
    pub from_me: bool,
    /// Its text, when known.
    pub text: Option<String>,
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// It is done.
    Done,
    /// WhatsApp has the message.
    Sent {
        /// The message as sent.
        message: Box<MessageData>,
    },
    /// Nobody with this number is on WhatsApp.
    NotOnWhatsApp {
        /// The JID that was looked up.
        jid: String,
    },
    /// It can't be done now or ever.
    Failed {
        /// Why, for the caller.
        message: String,
    },
    /// Its time was over before it could be done.
    TimedOut,
}
