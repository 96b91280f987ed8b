//! The parts of the process over embedded storage.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use pombal_connector::{Connector, ConnectorOptions, Endpoint, Seams};
use pombal_control_plane::business::{BusinessSeams, Cloud};
use pombal_control_plane::delivery::{DeliveryQueues, Shelf};
use pombal_control_plane::janitor::Unused;
use pombal_control_plane::{
    ApiOptions, ApiState, DeliveryOptions, DeliveryService, EventsQueue, Janitor, Secret, api,
};
use pombal_domain::ShardId;
use pombal_sessions::Medium;
use pombal_store::keys::file::FileKeys;
use pombal_store::media::local::LocalMedia;
use pombal_store::queue::large::Bodies;
use pombal_store::queue::plan;
use pombal_store::queue::sqlite::QueueFile;
use pombal_store::{Keys, Queue, registry};

use crate::data_dir::{self, DataDir};
use crate::serve::Settings;

/// How long a drain waits for commands, and for attempts of the delivery.
const DRAIN: Duration = Duration::from_secs(2);

/// Everything that runs.
pub(super) struct Parts {
    #[cfg(feature = "demo")]
    pub(super) registry: pombal_store::Registry,
    pub(super) router: Router,
    pub(super) connector: Connector,
    pub(super) delivery: DeliveryService,
    pub(super) janitor: Janitor,
}

impl Parts {
    /// Opens the storage and builds the parts on it. Nothing runs yet.
    pub(super) async fn build(
        settings: &Settings,
        data: &DataDir,
        global_key: Secret,
        address: SocketAddr,
    ) -> Result<Self, Box<dyn Error>> {
        let registry = registry::embedded::open(data.join(data_dir::REGISTRY)).await?;
        let master = FileKeys::open(data.join(data_dir::MASTER_KEY))?;
        let queues = QueueFile::open(data.join("queues.db"))?;
        let commands = command_queues(&queues, settings.args.shards)?;
        let events = queues.queue(plan::EVENTS, plan::events_options())?;
        let retries = queues.queue(plan::RETRIES, plan::letters_options())?;
        let bodies = Bodies::in_directory(data.join("bodies"))?;
        let egress = settings.webhook.egress()?;
        let url = settings
            .server_url
            .clone()
            .unwrap_or_else(|| format!("http://{address}"));
        let media = LocalMedia::open(data.join("media"), &url, &master.derive("media links"))?;
        let keys: Arc<dyn Keys> = Arc::new(master);
        let cloud = Cloud::new(
            settings.business.clone(),
            BusinessSeams {
                registry: registry.clone(),
                keys: Arc::clone(&keys),
                events: Arc::clone(&events),
                media: Arc::new(media.clone()),
            },
        )?;

        let state = ApiState::new(
            registry.clone(),
            commands.clone(),
            Arc::clone(&keys),
            egress.clone(),
            ApiOptions {
                shards: settings.args.shards,
                send_ttl: settings.send_ttl,
                events: Some(EventsQueue(Arc::clone(&events))),
                proxy_check: settings.proxy_check()?,
                limits: settings.limits,
                media: Some(media.clone()),
                cors: settings.cors.clone(),
                cloud: Some(cloud),
                docs: settings.docs,
                metrics: settings.metrics.clone(),
                ..ApiOptions::new(global_key, &url)
            },
        )?;
        let delivery = DeliveryService::new(
            registry.clone(),
            Arc::clone(&keys),
            egress,
            DeliveryQueues {
                events: Arc::clone(&events),
                retries: Arc::clone(&retries),
                dead: queues.queue(plan::DEAD, plan::letters_options())?,
                bodies: bodies.clone(),
            },
            DeliveryOptions {
                drain: DRAIN,
                schedule: settings.schedule.clone(),
                shelf: Some(Shelf::new(Arc::new(media.clone()))),
                ..settings.webhook.delivery(&url)?
            },
        );
        let janitor = Janitor::new(
            registry.clone(),
            Arc::new(media),
            retries,
            bodies,
            settings.args.shards,
        )
        .deleting(settings.unused_after.map(|after| Unused {
            after,
            events: EventsQueue(Arc::clone(&events)),
        }));
        #[cfg(feature = "demo")]
        let shown = registry.clone();
        let seams = Seams {
            registry,
            keys,
            sessions: pombal_sessions::local_store(data.join(data_dir::SESSIONS))?,
            sessions_root: data_dir::SESSIONS_ROOT.to_owned(),
            sessions_medium: Medium::LocalDisk,
            events,
            commands,
        };
        let connector = Connector::new(connector_options(settings)?, seams)?;
        Ok(Self {
            #[cfg(feature = "demo")]
            registry: shown,
            router: api::router(state),
            connector,
            delivery,
            janitor,
        })
    }
}

fn connector_options(settings: &Settings) -> Result<ConnectorOptions, Box<dyn Error>> {
    let endpoint = match &settings.args.whatsapp_url {
        Some(url) => Endpoint::parse(url)?,
        None => Endpoint::whatsapp()?,
    };
    Ok(ConnectorOptions {
        qr_limit: settings.pairing.qr_limit,
        qr_color: settings.pairing.qr_color,
        device_name: settings.pairing.device_name.clone(),
        logins_per_second: settings.session.logins_per_second,
        fleet_logins_per_second: settings.session.fleet_logins_per_second,
        // The data directory is locked: nobody else can have its shards.
        lease: None,
        proxy: settings.proxies.default.clone(),
        proxy_reach: settings.proxies.reach,
        commit_interval: settings.session.commit_interval,
        drain_timeout: DRAIN,
        ..ConnectorOptions::new(endpoint)
    })
}

fn command_queues(
    queues: &QueueFile,
    shards: u16,
) -> Result<BTreeMap<ShardId, Arc<dyn Queue>>, pombal_store::queue::Error> {
    (0..shards)
        .map(ShardId)
        .map(|shard| {
            let queue = queues.queue(&plan::commands(shard), plan::commands_options())?;
            Ok((shard, queue))
        })
        .collect()
}
