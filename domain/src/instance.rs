//! An instance: one WhatsApp connection of one tenant.

mod business;
mod need;
#[cfg(test)]
mod testing;
mod untouched;
mod unused;

pub use business::{BadGraphId, Business, GraphId};

use serde::{Deserialize, Serialize};

use crate::connection::{ConnectionState, StatusReason};
use crate::ids::{Epoch, InstanceId, MoveId, Seq, ShardId};
use crate::jid::PhoneNumber;
use crate::name::InstanceName;
use crate::proxy::ProxyConfig;
use crate::sink::{SinkConfig, SinkKind};
use crate::time::UnixMs;
use crate::webhook::WebhookConfig;

/// The channel that an instance speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Integration {
    /// A linked device, through a connector.
    #[serde(rename = "WHATSAPP-BAILEYS")]
    Baileys,
    /// Meta's Cloud API: no socket, no session and no connector.
    #[serde(rename = "WHATSAPP-BUSINESS")]
    Business,
}

impl Integration {
    /// The name in the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Baileys => "WHATSAPP-BAILEYS",
            Self::Business => "WHATSAPP-BUSINESS",
        }
    }
}

/// What the user wants. The shard's owner makes it so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Desired {
    /// A socket, paired if it has to be.
    Connected,
    /// No socket; the session is kept.
    Disconnected,
    /// No socket and no session: the device is unlinked from the account.
    LoggedOut,
    /// The session lives in another deployment now. Nothing here may use what is left of it:
    /// two holders of one session would give out the same message keys.
    Moved,
}

/// How to pair an instance that has no session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum Pairing {
    /// By scanning QR codes.
    Qr,
    /// By typing a code on the phone with this number. QR codes stay valid beside it.
    Code {
        /// The phone's number.
        phone: PhoneNumber,
    },
}

/// A code to pair with, as users get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QrCode {
    /// What the QR code says: `ref,noiseKey,identityKey,advSecret,…`.
    pub code: Option<String>,
    /// The QR code as a PNG in a `data:` URL.
    pub base64: Option<String>,
    /// Eight characters to type on the phone.
    pub pairing_code: Option<String>,
    /// How many codes this pairing has shown.
    pub count: u32,
    /// When the code stops working.
    pub expires_at: UnixMs,
}

/// What the shard's owner last saw of the instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// The connection's state.
    pub state: ConnectionState,
    /// Why it is in that state.
    pub reason: StatusReason,
    /// The generation of the wish that this is an answer to.
    pub generation: u64,
    /// The code that waits to be used.
    #[serde(default)]
    pub qr: Option<QrCode>,
    /// Own JID without device, once paired.
    #[serde(default)]
    pub owner_jid: Option<String>,
    /// Own push name.
    #[serde(default)]
    pub profile_name: Option<String>,
    /// Own picture.
    #[serde(default)]
    pub profile_picture_url: Option<String>,
    /// When and why the connection last closed for good.
    #[serde(default)]
    pub disconnection: Option<Disconnection>,
}

/// A connection that closed for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disconnection {
    /// Why.
    pub reason: StatusReason,
    /// The reason for people.
    pub text: String,
    /// When.
    pub at: UnixMs,
}

impl Observed {
    /// Nothing has been seen yet.
    #[must_use]
    pub const fn never() -> Self {
        Self {
            state: ConnectionState::Close,
            reason: StatusReason(200),
            generation: 0,
            qr: None,
            owner_jid: None,
            profile_name: None,
            profile_picture_url: None,
            disconnection: None,
        }
    }
}

/// The contract's eight settings (§ 5).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// Reject calls.
    pub reject_call: bool,
    /// Text for rejected callers.
    pub msg_call: String,
    /// Drop everything about groups.
    pub groups_ignore: bool,
    /// Appear online while connected.
    pub always_online: bool,
    /// Mark every message as read.
    pub read_messages: bool,
    /// Mark status updates as read.
    pub read_status: bool,
    /// Take the full history when pairing.
    pub sync_full_history: bool,
    /// Kept for clients that set it; voice bridges are not supported.
    pub wavoip_token: String,
}

/// The row of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Identity, never reused.
    pub id: InstanceId,
    /// Unique name, never changed.
    pub name: InstanceName,
    /// The channel.
    pub integration: Integration,
    /// What it is on Meta's side; there for every [`Integration::Business`], and for no other.
    pub business: Option<Business>,
    /// Where it lives. An instance of the Cloud API lives on no shard; the number is then 0.
    pub shard: ShardId,
    /// Where it is on its way to, and how far.
    pub transit: Transit,
    /// The number given at creation.
    pub number: Option<PhoneNumber>,
    /// SHA-256 of the instance token, in hexadecimal: the key it is found by.
    pub token_hash: String,
    /// The token, sealed under the instance's data key.
    pub token_sealed: Vec<u8>,
    /// The data key, wrapped by the master key. Without it the session is gone.
    pub data_key: Vec<u8>,
    /// What the user wants.
    pub desired: Desired,
    /// How to pair.
    pub pairing: Pairing,
    /// Grows with each wish; tells answers to old wishes from the current one's.
    pub generation: u64,
    /// Settings.
    pub settings: Settings,
    /// What its connections go through.
    pub proxy: Option<ProxyConfig>,
    /// Where events go.
    pub webhook: Option<WebhookConfig>,
    /// Which events socket.io subscribers get.
    pub websocket: Option<SinkConfig>,
    /// Which events go to the customer's queues.
    pub sqs: Option<SinkConfig>,
    /// What the shard's owner last saw, as of `(epoch, seq)`.
    pub observed: Observed,
    /// Epoch of the last projected event: see [`Transit::epoch_base`].
    pub epoch: Epoch,
    /// Seq of the last projected event.
    pub seq: Seq,
    /// When the row was made.
    pub created_at: UnixMs,
    /// When a user last changed it.
    pub updated_at: UnixMs,
}

impl Instance {
    /// The number as it is shown: for the Cloud API, Meta's id of it.
    #[must_use]
    pub fn shown_number(&self) -> Option<&str> {
        match &self.business {
            Some(business) => Some(business.phone_number.as_str()),
            None => self.number.as_ref().map(PhoneNumber::as_str),
        }
    }

    /// The configuration of one of its sinks, once set.
    #[must_use]
    pub const fn sink(&self, kind: SinkKind) -> Option<&SinkConfig> {
        match kind {
            SinkKind::Websocket => self.websocket.as_ref(),
            SinkKind::Sqs => self.sqs.as_ref(),
        }
    }
}

/// How far an instance is on its way from one shard to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Transit {
    /// The shard that it is to live on, while it lives on another one.
    pub to: Option<ShardId>,
    /// The newest attempt of its shard's owner to hand it over.
    pub departing: Option<MoveId>,
    /// The attempt that has brought it to its shard: its rows are in that object, and not yet
    /// in the shard's database.
    pub arriving: Option<MoveId>,
    /// What is added to the shard's epoch to have that of the instance. Epochs of two shards
    /// can't be compared; those of an instance grow all the same, since with each change of
    /// shards the instance's epoch becomes its base.
    pub epoch_base: Epoch,
}

impl Transit {
    /// The instance's epoch while its shard is at `shard`'s.
    #[must_use]
    pub const fn epoch(self, shard: Epoch) -> Epoch {
        Epoch(self.epoch_base.0 + shard.0)
    }

    /// Whether the owner of its shard has to do something about it.
    #[must_use]
    pub const fn is_under_way(self) -> bool {
        self.to.is_some() || self.arriving.is_some()
    }
}

/// What an instance has left on a shard from which it was handed over, until that shard's owner
/// has wiped it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remains {
    /// The instance, which lives elsewhere.
    pub id: InstanceId,
    /// Its name.
    pub name: InstanceName,
    /// Where it has lived.
    pub shard: ShardId,
    /// The attempt that has handed it over.
    pub left_by: MoveId,
}

/// What stays of a deleted instance until its shard's owner has wiped its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// The instance that was.
    pub id: InstanceId,
    /// Its name, which may belong to another instance by now.
    pub name: InstanceName,
    /// Where it lived.
    pub shard: ShardId,
}
