//! What a connector needs to run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use pombal_domain::ShardId;
use pombal_ownership::LeaseTimes;
use pombal_sessions::Medium;
use pombal_store::egress::Reach;
use pombal_store::{Keys, Proxy, Queue, Registry};

use crate::whatsapp::endpoint::Endpoint;

/// Limits and times of a connector.
#[derive(Debug, Clone)]
pub struct ConnectorOptions {
    /// Where WhatsApp is.
    pub endpoint: Endpoint,
    /// How many pairing codes an instance shows before it gives up (`QRCODE_LIMIT`).
    pub qr_limit: u32,
    /// Dark colour of QR codes, as `#rrggbb` (`QRCODE_COLOR`).
    pub qr_color: [u8; 3],
    /// Name of the linked device on the phone (`CONFIG_SESSION_PHONE_CLIENT`).
    pub device_name: String,
    /// Logins per second at most, over all instances of this connector.
    pub logins_per_second: u32,
    /// Logins per second at most, over all connectors: each takes an equal part.
    pub fleet_logins_per_second: u32,
    /// How often desired and actual state are compared without a nudge.
    pub reconcile_interval: Duration,
    /// At most one commit of a shard's session database starts per interval.
    pub commit_interval: Duration,
    /// How long a drain waits for commands in flight.
    pub drain_timeout: Duration,
    /// What instances go through that have no proxy of their own. It may be in a private network.
    pub proxy: Option<Proxy>,
    /// Where the proxies of instances may be.
    pub proxy_reach: Reach,
    /// The lease that this connector shares a fleet by. None: no other process can be alive,
    /// since the registry is this process's own.
    pub lease: Option<LeaseTimes>,
}

impl ConnectorOptions {
    /// The defaults of DESIGN § 5–7 for this endpoint.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            qr_limit: 30,
            qr_color: [0x19, 0x87, 0x54],
            device_name: "Pombal".to_owned(),
            logins_per_second: 20,
            fleet_logins_per_second: 200,
            reconcile_interval: Duration::from_secs(30),
            commit_interval: Duration::from_millis(100),
            drain_timeout: Duration::from_secs(5),
            proxy: None,
            proxy_reach: Reach::Public,
            lease: Some(LeaseTimes::default()),
        }
    }
}

/// The outside world, as the connector sees it.
#[derive(Clone)]
pub struct Seams {
    /// Instances, shards, replies.
    pub registry: Registry,
    /// Data keys.
    pub keys: Arc<dyn Keys>,
    /// Where the session databases live.
    pub sessions: Arc<dyn ObjectStore>,
    /// Prefix of the session databases in [`Self::sessions`].
    pub sessions_root: String,
    /// What [`Self::sessions`] is made of: requests to a bucket are billed.
    pub sessions_medium: Medium,
    /// The events queue (FIFO, group = instance).
    pub events: Arc<dyn Queue>,
    /// One command queue per shard (FIFO, group = instance), for every shard from 0 on.
    pub commands: BTreeMap<ShardId, Arc<dyn Queue>>,
}
