//! What moves of an instance besides its rows.

use std::fmt;

use pombal_domain::time::UnixMs;
use pombal_domain::{
    Desired, InstanceId, InstanceName, Integration, Observed, Pairing, PhoneNumber, ProxyConfig,
    Settings, SinkConfig, WebhookConfig,
};
use serde::{Deserialize, Serialize};

/// The facts of an instance's registry row that move with its session.
///
/// The id moves: event ids are derived from it, so a message that comes again after the move
/// is still known. The token moves, so that clients go on unchanged. Shard, epoch and data
/// key stay behind: they belong to the deployment.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Identity of the instance.
    pub id: InstanceId,
    /// Its name. An import may give it another one.
    pub name: InstanceName,
    /// The channel.
    pub integration: Integration,
    /// The number given at creation.
    pub number: Option<PhoneNumber>,
    /// The instance token, in the clear.
    pub token: String,
    /// What the user wanted when it was exported.
    pub desired: Desired,
    /// How to pair, should it be logged out later.
    pub pairing: Pairing,
    /// The generation of that wish.
    pub generation: u64,
    /// Settings.
    pub settings: Settings,
    /// What its connections go through, and its password in the clear.
    #[serde(default)]
    pub proxy: Option<PortableProxy>,
    /// Where events go.
    pub webhook: Option<WebhookConfig>,
    /// Which events socket.io subscribers get.
    #[serde(default)]
    pub websocket: Option<SinkConfig>,
    /// Which events go to the customer's queues.
    #[serde(default)]
    pub sqs: Option<SinkConfig>,
    /// What was last seen of the instance.
    pub observed: Observed,
    /// When the instance was made.
    pub created_at: UnixMs,
    /// When it was exported.
    pub exported_at: UnixMs,
    /// The version of the program that exported it.
    pub exported_by: String,
}

/// A proxy on its way. Without it, the instance would connect from another address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortableProxy {
    /// As it was stored, without its password.
    pub config: ProxyConfig,
    /// The password, in the clear.
    pub password: Option<String>,
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Token, webhook headers and JIDs are nobody's business.
        f.debug_struct("Card")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
