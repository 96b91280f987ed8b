//! What handlers share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pombal_domain::ShardId;
use pombal_store::media::local::LocalMedia;
use pombal_store::{Egress, Keys, Queue, Registry};

use super::lifecycle::EventsQueue;
use super::proxy::ProxyCheck;
use crate::business::Cloud;
use crate::config::CorsConfig;
use crate::config::{LimitsConfig, MetricsConfig};
use crate::secret::Secret;

/// How the API behaves.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// The key that opens everything (`AUTHENTICATION_API_KEY`).
    pub global_key: Secret,
    /// The API's own address, as shown to clients (`SERVER_URL`).
    pub server_url: String,
    /// How many shards new instances are spread over.
    pub shards: u16,
    /// How long `connect` and `restart` wait for a code or a connection. Default 10 s.
    pub connect_wait: Duration,
    /// How long a send waits for `WhatsApp` before it answers `PENDING`. Default 2 s.
    pub send_wait: Duration,
    /// How long a message may wait for its instance's owner. Default 10 min.
    pub send_ttl: Duration,
    /// How long `logout` waits until it is done. Default 10 s.
    pub logout_wait: Duration,
    /// How long `delete` waits for the owner to wipe its rows. Default 5 s.
    pub delete_wait: Duration,
    /// What callers may have at most.
    pub limits: LimitsConfig,
    /// The version of `WhatsApp` Web that connectors announce, for `GET /`.
    pub whatsapp_web_version: String,
    /// The events queue, for what the API itself tells of instances. Default none: it tells
    /// nothing.
    pub events: Option<EventsQueue>,
    /// How proxies are tried before they are stored.
    pub proxy_check: ProxyCheck,
    /// Media whose links lead here; none when they lead elsewhere. Default none.
    pub media: Option<LocalMedia>,
    /// Which pages of other origins may call the API. Default: all, without credentials.
    pub cors: CorsConfig,
    /// Meta's Cloud API. Default none: there are no `WHATSAPP-BUSINESS` instances then.
    pub cloud: Option<Cloud>,
    /// Whether the API's description is served. Default true.
    pub docs: bool,
    /// Who may read `GET /metrics`. Default none: there is no such route.
    pub metrics: Option<MetricsConfig>,
}

impl ApiOptions {
    /// The defaults, with 16 shards.
    #[must_use]
    pub fn new(global_key: impl Into<Secret>, server_url: impl Into<String>) -> Self {
        Self {
            global_key: global_key.into(),
            server_url: server_url.into(),
            shards: 16,
            connect_wait: Duration::from_secs(10),
            send_wait: Duration::from_secs(2),
            send_ttl: Duration::from_secs(600),
            logout_wait: Duration::from_secs(10),
            delete_wait: Duration::from_secs(5),
            limits: LimitsConfig::default(),
            whatsapp_web_version: "2.3000.0".to_owned(),
            events: None,
            proxy_check: ProxyCheck::default(),
            media: None,
            cors: CorsConfig::default(),
            cloud: None,
            docs: true,
            metrics: None,
        }
    }
}

/// The API can't start like this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// An empty global key would open everything to everybody.
    #[error("the global key is empty")]
    EmptyGlobalKey,
    /// There are no shards to put instances on.
    #[error("the number of shards is 0")]
    NoShards,
    /// New instances would land on a shard that takes no commands.
    #[error("shard {0} has no command queue")]
    MissingQueue(ShardId),
}

/// What handlers share. A cheap clone.
#[derive(Clone)]
pub struct ApiState(Arc<Inner>);

struct Inner {
    registry: Registry,
    commands: BTreeMap<ShardId, Arc<dyn Queue>>,
    keys: Arc<dyn Keys>,
    egress: Egress,
    options: ApiOptions,
}

impl ApiState {
    /// Puts the state together. `commands` holds the command queue of each shard.
    ///
    /// # Errors
    /// [`StateError`] when the API could not serve every instance, or would serve everybody.
    pub fn new(
        registry: Registry,
        commands: BTreeMap<ShardId, Arc<dyn Queue>>,
        keys: Arc<dyn Keys>,
        egress: Egress,
        options: ApiOptions,
    ) -> Result<Self, StateError> {
        if options.global_key.expose().is_empty() {
            return Err(StateError::EmptyGlobalKey);
        }
        if options.shards == 0 {
            return Err(StateError::NoShards);
        }
        if let Some(shard) = (0..options.shards)
            .map(ShardId)
            .find(|s| !commands.contains_key(s))
        {
            return Err(StateError::MissingQueue(shard));
        }
        Ok(Self(Arc::new(Inner {
            registry,
            commands,
            keys,
            egress,
            options,
        })))
    }

    pub(super) fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// Every shard.
    pub(super) fn shards(&self) -> impl Iterator<Item = ShardId> + use<> {
        (0..self.options().shards).map(ShardId)
    }

    pub(super) fn commands(&self, shard: ShardId) -> Option<&dyn Queue> {
        self.0.commands.get(&shard).map(AsRef::as_ref)
    }

    pub(super) fn keys(&self) -> &dyn Keys {
        self.0.keys.as_ref()
    }

    pub(super) fn egress(&self) -> &Egress {
        &self.0.egress
    }

    pub(super) fn options(&self) -> &ApiOptions {
        &self.0.options
    }
}
